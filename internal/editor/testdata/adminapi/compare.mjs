// Asks two servers the same and prints where their answers differ.
//
//   node compare.mjs http://127.0.0.1:1880 http://127.0.0.1:1881 base.json
//
// The first is a Node-RED without login, the second `tsunagi flow --no-login`; both have empty
// directories. What differs by its nature (ids, times, versions) is left out of the comparison.
import fs from 'node:fs'
const [red, ours, base] = process.argv.slice(2)
const flows = JSON.parse(fs.readFileSync(base))
const v2 = { 'Node-RED-API-Version': 'v2' }
const J = (o, h = {}) => ({ method: 'POST', headers: { 'Content-Type': 'application/json', ...v2, ...h }, body: JSON.stringify(o) })
const F = (s, m = 'POST') => ({ method: m, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: s })
const M = (method, o, h = {}) => ({ method, headers: o === undefined ? h : { 'Content-Type': 'application/json', ...h }, body: o === undefined ? undefined : JSON.stringify(o) })
const accept = a => ({ headers: { Accept: a } })
const steps = [
  ['/flows'], ['/flows', { headers: v2 }], ['/flows', { headers: { 'Node-RED-API-Version': 'v9' } }],
  ['/flows', J({ flows })], ['/flows'], ['/flows', { headers: v2 }],
  ['/flows', J({ flows: [], rev: 'x' })], ['/flows', J({ flows: 5 })], ['/flows', { ...J({}), body: '{broken' }], ['/flows', J([], { 'Node-RED-API-Version': 'v1' }), 'bare'],
  ['/flows', J({ flows }, { 'Node-RED-Deployment-Type': 'nodes' })], ['/flows', J(undefined, { 'Node-RED-Deployment-Type': 'reload' }), 'reload'], ['/flows', J({ flows }, { 'Node-RED-Deployment-Type': 'odd' })],
  ['/flows/state'], ['/flows/state', F('state=stop')], ['/flows/state'], ['/flows/state', F('state=start')], ['/flows/state', F('state=odd')], ['/flows/state', F('')],
  ['/flow/t1'], ['/flow/global'], ['/flow/none'], ['/flow/s1'],
  ['/flow', J({ label: 'New', nodes: [{ id: 'k1', type: 'comment', name: 'k', x: 1, y: 1, wires: [] }], configs: [] })],
  ['/flow', J({ label: 'New' })], ['/flow', J({ nodes: [{ id: 'k1', type: 'comment' }] })], ['/flow', J({ nodes: [{ id: 'k9' }] })], ['/flow', J({ nodes: [{ id: 'k9', type: 'tab' }] })], ['/flow', J({ nodes: [{ id: 'k8', type: 'comment', z: 't1', x: 1, y: 1 }] })],
  ['/flow/t1', M('PUT', { id: 't1', label: 'Renamed', nodes: flows.filter(n => n.z === 't1') })], ['/flow/t1'], ['/flow/none', M('PUT', { nodes: [] })], ['/flow/t1', M('PUT', {})],
  ['/flow/global', M('PUT', { configs: [{ id: 'b2', type: 'mqtt-broker', name: 'two', broker: 'x', port: '1', autoConnect: false }] })], ['/flow/global'],
  ['/flow/none', M('DELETE')], ['/flow/global', M('DELETE')],
  ['/flows', J({ flows })],
  ['/nodes', accept('application/json')], ['/nodes/node-red', accept('application/json')], ['/nodes/node-red/inject', accept('application/json')], ['/nodes/none', accept('application/json')], ['/nodes/node-red/none', accept('application/json')],
  ['/nodes/messages?lng=ja'], ['/nodes/node-red/inject/messages?lng=ja'], ['/nodes/node-red/inject', accept('text/html')],
  ['/nodes', J({ module: 'x' })], ['/nodes/node-red', M('PUT', { enabled: false })], ['/nodes/x', M('DELETE')], ['/nodes/node-red/inject', M('PUT', { enabled: true })],
  ['/plugins', accept('application/json')], ['/plugins', accept('text/html')], ['/plugins/messages'], ['/plugins/none/x/config'],
  ['/settings'], ['/settings/user'], ['/settings/user', J({ a: { b: 1, c: [1] } })], ['/settings/user', J({ a: { b: null } })], ['/settings/user'], ['/settings/user/keys'], ['/settings/user', { ...J({}), body: '[]' }],
  ['/theme'], ['/icons'], ['/icons/node-red/inject.svg'], ['/icons/node-red/none.svg'], ['/icons/none/none.svg'],
  ['/locales/editor?lng=ja'], ['/locales/node-red?lng=de'], ['/locales/jsonata?lng=en-US'], ['/locales/infotips?lng=fr'], ['/locales/editor?lng=xx'], ['/locales/none?lng=ja'], ['/locales/editor'],
  ['/credentials/mqtt-broker/b1'], ['/credentials/mqtt-broker/none'], ['/credentials/none/b1'], ['/credentials/http-request/x'],
  ['/inject/i1', J({})], ['/inject/none', J({})], ['/inject/i1', J({ __user_inject_props__: [{ p: 'payload', v: 'x', vt: 'str' }] })], ['/inject/i1', M('POST')],
  ['/debug/d1/disable', M('POST')], ['/debug/d1/enable', M('POST')], ['/debug/none/enable', M('POST')], ['/debug/d1/odd', M('POST')], ['/debug/i1/enable', M('POST')], ['/debug/enable', F('nodes[]=d1')], ['/debug/disable', F('nodes[]=d1&nodes[]=none')], ['/debug/enable', F('')], ['/debug/odd', F('nodes[]=d1')], ['/debug/d1/enable', M('POST')],
  ['/debug/view/view.html'], ['/debug/view/debug-utils.js'], ['/debug/view/none'],
  ['/context/global'], ['/context/flow/t1'], ['/context/node/f1'], ['/context/global/deep'], ['/context/global/deep.a%5B2%5D.b'], ['/context/global/none'], ['/context/global?keysOnly'], ['/context/global/deep?keysOnly'], ['/context/global/deep.a?keysOnly'], ['/context/global/?keysOnly'],
  ['/context/global?store=none'], ['/context/global/deep?store=memory'], ['/context/flow/none'], ['/context/node/none'], ['/context/global/deep%5B'], ['/context/odd'],
  ['/context/global/deep', M('DELETE')], ['/context/global/none', M('DELETE')], ['/context/global/deep?store=none', M('DELETE')], ['/context/global', M('DELETE')], ['/context/node/none/x', M('DELETE')], ['/context/global'],
  ['/library/local/flows'], ['/library/local/flows/'], ['/library/local/flows/a/b.json', J([{ id: 'x', type: 'comment' }])], ['/library/local/flows'], ['/library/local/flows/a'], ['/library/local/flows/a/b.json'], ['/library/local/flows/none.json'],
  ['/library/local/functions/f.js', J({ text: 'return msg;', name: 'f', outputs: '2' })], ['/library/local/functions'], ['/library/local/functions/f.js'], ['/library/local/functions/..%2f..%2fx', J({ text: 'x' })], ['/library/local/functions/..%2f..%2fsettings.js'], ['/library/none/flows'], ['/library/examples/flows'], ['/library/local/templates'], ['/library/local/odd'],
  ['/diagnostics'], ['/auth/login'], ['/auth/token', F('grant_type=password')], ['/auth/revoke', F('token=x')], ['/udp-ports/x'], ['/none'], ['/red/none.js'], ['/resources/none/x.js'], ['/comms'], ['/projects'], ['/mermaid'], ['/locales'],
  ['/nodes', { method: 'PATCH' }], ['/flows', { method: 'DELETE' }],
]
const volatile = /"(id|rev|time|timestamp|_msgid|instanceId|cacheBuster)":"[0-9a-f]{12,64}"/g
const norm = t => t.replace(volatile, '"$1":"*"').replace(/\?v=[0-9a-f]+/g, '?v=*').trim()
const shape = t => { try { return JSON.stringify(sort(JSON.parse(t))) } catch { return t } }
const sort = o => Array.isArray(o) ? o.map(sort) : o && typeof o === 'object' ? Object.fromEntries(Object.keys(o).sort().map(k => [k, sort(o[k])])) : o
let same = 0, not = 0
for (const [path, how, note] of steps) {
  const got = []
  for (const url of [red, ours]) {
    const o = { ...how, headers: { ...how?.headers } }
    if (note === 'bare') o.body = JSON.stringify(flows)
    if (note === 'reload') delete o.body
    const r = await fetch(url + path, o)
    got.push({ status: r.status, type: (r.headers.get('content-type') ?? '').split(';')[0], body: shape(norm(await r.text())) })
  }
  await new Promise(r => setTimeout(r, 60))
  const [a, b] = got
  const what = []
  if (a.status !== b.status) what.push(`status ${a.status} ${b.status}`)
  if (a.type !== b.type && !(a.status >= 400)) what.push(`type ${a.type} | ${b.type}`)
  if (a.body !== b.body) what.push('body')
  if (what.length === 0) { same++; continue }
  not++
  console.log(`${how?.method ?? 'GET'} ${path} ${(how?.headers?.Accept ?? '')} ${typeof how?.body === 'string' ? how.body.slice(0, 60) : ''}: ${what.join(', ')}`)
  if (what.includes('body')) { let i = 0; while (a.body[i] === b.body[i]) i++; i = Math.max(0, i - 40); console.log(`   red  ${a.body.slice(i, i + 260)}\n   ours ${b.body.slice(i, i + 260)}`) }
}
console.log(`${same} answers are the same, ${not} differ`)
