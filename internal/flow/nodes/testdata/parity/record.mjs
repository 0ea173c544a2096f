// Records what a real Node-RED shows for a parity file: fills "debug", "status" and "rev" of
// the file from its "flows" and "steps".
//
//   NODE_RED=<folder with node_modules/node-red> node record.mjs inject.json ...
//
// Node.js must be one that the Node-RED runs on (22.9 or later). TestParity replays the files.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'

const redJS = path.resolve(process.env.NODE_RED ?? '.', 'node_modules/node-red/red.js')
const sleep = ms => new Promise(done => setTimeout(done, ms))

// normal takes out what differs from run to run, as normal in parity_test.go does.
function normal(text) {
  return text
    .replace(/"_msgid":"[0-9a-f]+",?/g, '').replace(/,}/g, '}')
    .replace(/"stack":"(?:[^"\\]|\\.)*"/g, '"stack":"S"')
    .replace(/\b1[78]\d{11}\b/g, 'TS')
    .replace(/20\d\d-\d\d-\d\dT[\d:.]+Z/g, 'ISO')
    .replace(/\w\w\w \w\w\w \d\d 20\d\d [\d:]+/g, 'DATE')
    .replace(/\b[0-9a-f]{28}\b/g, 'ID28')
    .replace(/"id":"[0-9a-f]{16}"/g, '"id":"ID16"')
}

async function record(file) {
  const c = JSON.parse(fs.readFileSync(file, 'utf8'))
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parity-'))
  const port = 20000 + Math.floor(Math.random() * 5000)
  fs.writeFileSync(path.join(dir, 'flows.json'), JSON.stringify(c.flows))
  fs.writeFileSync(path.join(dir, 'settings.js'), `module.exports = ${JSON.stringify({
    flowFile: 'flows.json', uiPort: port, uiHost: '127.0.0.1', credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false }, runtimeState: { enabled: true, ui: true },
  })}`)
  const work = path.join(dir, 'work') // where relative file names begin
  fs.mkdirSync(work)
  const red = spawn(process.execPath, [redJS, '-u', dir, '-s', path.join(dir, 'settings.js')],
    { cwd: work, env: { ...process.env, TZ: 'UTC', OUTSIDE: 'from outside' } })
  try {
    await started(red)
    const url = `http://127.0.0.1:${port}`
    const events = await listen(port)
    const answers = []
    for (const step of c.steps) {
      if (step.http) answers.push(await ask(port, step))
      else await act(url, step)
      await sleep(Math.max(step.wait ?? 0, 120))
    }
    const stored = await (await fetch(`${url}/flows`, { headers: { 'Node-RED-API-Version': 'v2' } })).json()
    write(file, c, events, stored.rev, answers)
  } finally {
    red.kill()
    await new Promise(done => red.once('exit', done))
    fs.rmSync(dir, { recursive: true })
  }
}

function started(red) {
  let out = ''
  return new Promise((done, fail) => {
    const limit = setTimeout(() => fail(new Error('Node-RED does not start:\n' + out)), 30000)
    const look = data => {
      out += data
      if (/Started flows|Waiting for missing/.test(out)) { clearTimeout(limit); done() }
    }
    red.stdout.on('data', look)
    red.stderr.on('data', look)
  })
}

async function listen(port) {
  const events = []
  const ws = new WebSocket(`ws://127.0.0.1:${port}/comms`)
  ws.onmessage = m => { for (const e of [].concat(JSON.parse(m.data))) if (e.topic) events.push(e) }
  await new Promise(done => { ws.onopen = done })
  await sleep(300)
  return events
}

async function act(url, step) {
  const post = (where, type, body, more) => fetch(url + where, { method: 'POST', headers: { 'Content-Type': type, 'Node-RED-API-Version': 'v2', ...more }, body })
  if (step.inject) {
    await post(`/inject/${step.inject}`, 'application/json', JSON.stringify(step.props ? { __user_inject_props__: step.props } : {}))
  } else if (step.deploy) {
    await post('/flows', 'application/json', JSON.stringify({ flows: step.deploy }), { 'Node-RED-Deployment-Type': step.type ?? 'full' })
  } else if (step.state) {
    await post('/flows/state', 'application/x-www-form-urlencoded', 'state=' + step.state)
  }
}

// ask sends a request to an http in node; step.http is method and path.
function ask(port, step) {
  const [method, path] = step.http.split(' ')
  return new Promise((done, fail) => {
    const req = http.request({ port, host: '127.0.0.1', method, path, agent: false, headers: { host: 'node.example:1880', ...step.headers } }, res => {
      let body = ''
      res.setEncoding('utf8')
      res.on('data', d => { body += d })
      res.on('end', () => {
        const { date, connection, 'keep-alive': k, ...headers } = res.headers
        if (res.statusCode >= 400 && body.includes('<pre>')) body = body.replace(/<pre>([^]*?)(<br>[^]*)?<\/pre>/, '<pre>$1</pre>')
        if (body.includes('<pre>')) delete headers['content-length']
        done({ status: res.statusCode, headers, body })
      })
    })
    req.on('error', fail)
    req.end(step.body)
  })
}

function write(file, c, events, rev, answers) {
  const debug = [], status = {}
  for (const e of events) {
    if (e.topic === 'debug') {
      const { timestamp, ...d } = e.data
      if (typeof d.msg === 'string') d.msg = normal(d.msg)
      debug.push(d)
    } else if (e.topic.startsWith('status/')) {
      status[e.topic.slice(7)] = e.data
    }
  }
  const lines = list => '[\n' + list.map(x => JSON.stringify(x)).join(',\n') + ']'
  fs.writeFileSync(file, `{"skip":${JSON.stringify(c.skip ?? [])},${c.any_order ? '"any_order":true,' : ''}\n"flows":${lines(c.flows)},\n"steps":${lines(c.steps)},\n` +
    (answers.length ? `"answers":${lines(answers)},\n` : '') + `"debug":${lines(debug)},\n"status":${JSON.stringify(status)},\n"rev":${JSON.stringify(rev)}}\n`)
  console.log(file, debug.length, 'messages')
}

for (const file of process.argv.slice(2)) await record(file)
