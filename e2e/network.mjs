// Networks of a test's own: the platform and a phone on one, which stands for the Internet, a home behind a router on
// another. The router translates addresses: it lets the home dial out, and nobody in.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patience, temporary } from './lib.mjs';

const cloud = '203.0.113.10', phone = '203.0.113.20', outside = '203.0.113.30'; // of RFC 5737, for documentation
const inside = '192.168.77.1', device = '192.168.77.2';
export const addresses = { cloud, phone, outside, inside, device };

const sh = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

/** missing says why there can be no networks here, or nothing. */
export function missing() {
  if (process.getuid() !== 0) return 'networks of its own need root';
  for (const program of ['ip', 'nft']) {
    try {
      sh(program, '-V');
    } catch {
      return `there is no program ${program} (packages iproute2 and nftables)`;
    }
  }
  const name = `tsunagi-${process.pid}-try`;
  try {
    sh('ip', 'netns', 'add', name);
    sh('ip', 'netns', 'exec', name, 'nft', 'add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; add rule ip nat out masquerade');
    return undefined;
  } catch (error) {
    return `this system makes no network with address translation: ${String(error.stderr ?? error).trim()}`;
  } finally {
    try { sh('ip', 'netns', 'del', name); } catch { /* there was none */ }
  }
}

/** Network is the four places with the lines between them: cloud, phone, router, home. */
export class Network {
  #name = (place) => `tsunagi-${process.pid}-${place}`;

  constructor(host) {
    this.hosts = join(temporary('hosts'), 'hosts');
    const names = ['', 'edit-pi.flows.', 'pi.flows.'].map((part) => part + host).join(' ');
    writeFileSync(this.hosts, `127.0.0.1 localhost\n${cloud} ${names}\n`);
    for (const place of ['cloud', 'phone', 'router', 'home']) {
      sh('ip', 'netns', 'add', this.#name(place));
      this.#in(place, 'ip', 'link', 'set', 'lo', 'up');
    }
    this.#in('cloud', 'ip', 'link', 'add', 'internet', 'type', 'bridge');
    this.#up('cloud', 'internet');
    this.#in('cloud', 'ip', 'address', 'add', `${cloud}/24`, 'dev', 'internet');
    for (const [place, address] of [['phone', phone], ['router', outside]]) {
      this.#line('cloud', place, place, 'outside', address);
      this.#in('cloud', 'ip', 'link', 'set', place, 'master', 'internet');
    }
    this.#line('router', 'home', 'home', 'lan', device);
    this.#in('router', 'ip', 'address', 'add', `${inside}/24`, 'dev', 'home');
    this.#in('home', 'ip', 'route', 'add', 'default', 'via', inside);
    this.#in('router', 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    this.#rules('add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; add rule ip nat out oifname outside masquerade');
    this.#rules('add table ip wall; add chain ip wall through { type filter hook forward priority 0; policy drop; };'
      + 'add rule ip wall through iifname home accept; add rule ip wall through ct state established,related accept');
  }

  #in(place, ...command) { return sh('ip', 'netns', 'exec', this.#name(place), ...command); }

  #rules(text) { this.#in('router', 'nft', text); }

  /** #up starts a line's end, without an address of IPv6 that comes seconds later: to a browser the network would have changed. */
  #up(place, end) {
    if (existsSync('/proc/sys/net/ipv6')) this.#in(place, 'ip', 'link', 'set', end, 'addrgenmode', 'none');
    this.#in(place, 'ip', 'link', 'set', end, 'up');
  }

  /** #line joins two places and gives the second one its address. */
  #line(a, b, nameAtA, nameAtB, address) {
    sh('ip', 'link', 'add', nameAtA, 'netns', this.#name(a), 'type', 'veth', 'peer', 'name', nameAtB, 'netns', this.#name(b));
    this.#up(a, nameAtA);
    this.#up(b, nameAtB);
    this.#in(b, 'ip', 'address', 'add', `${address}/24`, 'dev', nameAtB);
  }

  /** at is how a command is run in a place: the words before it. */
  at(place) {
    return ['ip', 'netns', 'exec', this.#name(place), 'sh', '-c', `mount --bind ${this.hosts} /etc/hosts && exec "$@"`, 'sh'];
  }

  /** reaches tries a TCP connection from a place and says how it ended: open, refused or, when nothing came for some milliseconds, silence. */
  reaches(place, address, port, ms = patience) {
    const [command, ...args] = this.at(place);
    return sh(command, ...args, process.execPath, '-e', `
      const s = require('node:net').connect(${port}, '${address}');
      const end = (text) => { console.log(text); process.exit(0); };
      s.once('connect', () => end('open')).once('error', (e) => end(e.code === 'ECONNREFUSED' ? 'refused' : 'silence'));
      setTimeout(() => end('silence'), ${ms});`).trim();
  }

  /** node runs a script in a place and returns what it prints; arguments are in process.argv from 1 on. */
  node(place, script, ...args) {
    const [command, ...words] = this.at(place);
    return sh(command, ...words, process.execPath, '--input-type=module', '-e', script, ...args).trim();
  }

  /** found asks the home's network by mDNS for a service and returns the answer's bytes as text. */
  found(service) {
    return this.node('router', `
      import { createSocket } from 'node:dgram';
      const labels = [...process.argv[1].split('.'), 'local'].flatMap((l) => [l.length, ...Buffer.from(l)]);
      const question = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 12, 0x80, 1]); // PTR, answered to the asker
      const s = createSocket('udp4').on('message', (m) => { console.log(m.toString('latin1').replace(/[^ -~]/g, '.')); process.exit(0); });
      s.bind(0, '${inside}', () => {
        s.setMulticastInterface('${inside}');
        const ask = () => s.send(question, 5353, '224.0.0.251');
        ask();
        setInterval(ask, 500);
        setTimeout(() => process.exit(0), ${patience});
      });`, service);
  }

  /** cut ends every connection through the router, and lets none begin. */
  cut() { this.#rules('insert rule ip wall through ip protocol tcp reject with tcp reset'); }

  heal() {
    const handle = /reject with tcp reset # handle (\d+)/.exec(this.#in('router', 'nft', '-a', 'list chain ip wall through'))[1];
    this.#rules(`delete rule ip wall through handle ${handle}`);
  }

  close() {
    for (const place of ['cloud', 'phone', 'router', 'home']) {
      try { sh('ip', 'netns', 'del', this.#name(place)); } catch { /* not made */ }
    }
  }
}
