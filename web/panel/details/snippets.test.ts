import { describe, expect, it } from 'vitest';
import type { Instance } from '../instances/instances';
import { snippet, targets } from './devices';
import { loginName, mosquitto, mqttURL, nodeRED, pageScript, shell, sketch, webSocketURL } from './snippets';

const instance: Instance = {
  id: 'kqzvbnta',
  name: 'Home',
  region: 'home',
  plan: 'free',
  device_port: 8884,
  created_at: '',
  server: 'localhost',
  user: 'kqzvbnta',
  port: 1883,
  ssl_port: 8883,
  websocket_port: 8443,
  websocket_path: '/mqtt/kqzvbnta',
  plain: false,
  connection_limit: 10,
  ca: { fingerprint_sha256: '', url: '' },
  versions: [],
};

describe('loginName', () => {
  it.each([
    ['localhost', 'kqzvbnta', 'kqzvbnta'],
    ['localhost', 'pump', 'kqzvbnta:pump'],
    ['kqzvbnta.example.org', 'pump', 'pump'],
  ])('on %s for %s', (server, user, want) => expect(loginName({ ...instance, server }, user)).toBe(want));

  it('needs no instance in front of a user on a name of the customer’s own', () =>
    expect(loginName({ ...instance, server: 'mqtt.example.com', host_names: ['mqtt.example.com'] }, 'pump')).toBe('pump'));
});

describe('snippets', () => {
  it('write addresses', () => {
    expect(mqttURL(instance)).toBe('mqtts://localhost:8883');
    expect(webSocketURL(instance)).toBe('wss://localhost:8443/mqtt/kqzvbnta');
    expect(mqttURL({ ...instance, server: '::1' })).toBe('mqtts://[::1]:8883');
  });

  const withCA = { ...instance, ca: { fingerprint_sha256: 'AB', url: '/ca.pem' } };

  it('do without an own port for MQTT', () => {
    const one = { ...instance, ssl_port: 0, websocket_port: 443 };
    expect(mosquitto('sub', one)).toContain('tsunagi sub -L wss://localhost:443/mqtt/kqzvbnta \\\n');
    const nodes = JSON.parse(nodeRED(one, '')) as Record<string, unknown>[];
    expect(nodes.find((node) => node.type === 'mqtt-broker')).toMatchObject({ broker: 'wss://localhost:443/mqtt/kqzvbnta', port: '443' });
    expect(mosquitto('sub', instance)).toContain('-p 8883 --tls-use-os-certs');
  });

  it('write commands that a shell reads as meant', () => {
    expect(mosquitto('pub', withCA, "it's")).toBe(
      "mosquitto_pub -h localhost -p 8883 --cafile ca.pem \\\n  -u kqzvbnta -P 'it'\\''s' \\\n  -t 'test' -m 'AAAAA'",
    );
    expect(mosquitto('sub', instance)).toContain('-P YOUR_PASSWORD');
    expect(shell('')).toBe("''");
  });

  it('write a flow whose ids fit together', () => {
    let n = 0;
    const nodes = JSON.parse(nodeRED(instance, 'PEM', 'pw', () => 'n' + n++)) as Record<string, unknown>[];
    const of = (type: string) => nodes.find((node) => node.type === type)!;
    expect(of('inject').wires).toEqual([[of('mqtt out').id]]);
    expect(of('mqtt in').wires).toEqual([[of('debug').id]]);
    expect([of('mqtt in').broker, of('mqtt out').broker]).toEqual([of('mqtt-broker').id, of('mqtt-broker').id]);
    expect(of('mqtt-broker')).toMatchObject({ tls: of('tls-config').id, port: '8883', credentials: { user: 'kqzvbnta', password: 'pw' } });
    expect(of('tls-config').credentials).toEqual({ cadata: 'PEM' });
  });

  it('write a sketch that trusts the certificate of the door', () => {
    const text = sketch(instance, 'static const char tsunagi_ca_pem[] PROGMEM = "PEM";\n', 'a"b\\');
    expect(text).toContain('static const char tsunagi_ca_pem[] PROGMEM = "PEM";');
    expect(text).toContain('mqtt.setServer("localhost", 8884);');
    expect(text).toContain('net.setBufferSizes(1024, 512);');
    expect(text).toContain('mqtt.connect(id.c_str(), "kqzvbnta", "a\\"b\\\\")');
    expect(text).toContain('Serial.printf("not connected: %d\\n", mqtt.state());');
    expect(sketch({ ...instance, device_port: 8883 }, '')).toContain('net.setBufferSizes(16384, 512);');
  });
});

describe('programs for devices', () => {
  const ca = '-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n';
  const withCA = { ...instance, ca: { fingerprint_sha256: 'AB', url: '/ca.pem' } };
  it.each(targets)('%s has address, login and trust', (target) => {
    const text = snippet(target, withCA, { password: 'p"w', ca })!;
    expect(text).toContain('localhost');
    expect(text).toContain('8883');
    expect(text).toContain('kqzvbnta');
    expect(text).toMatch(/ca\.pem|BEGIN CERTIFICATE/);
    expect(text).toMatch(/p\\"w|p"w/);
  });
  it('say where the password belongs', () => {
    for (const target of targets) if (target !== 'node_red') expect(snippet(target, instance, { password: '', ca: '' })).toContain('YOUR_PASSWORD');
  });
  it('do with WebSocket alone, or say that they can not', () => {
    const one = { ...withCA, ssl_port: 0, websocket_port: 443 };
    expect(snippet('python', one, { password: '', ca })).toContain('ws_set_options(path="/mqtt/kqzvbnta")');
    expect(snippet('mqttjs', one, { password: '', ca })).toContain('wss://localhost:443/mqtt/kqzvbnta');
    expect(snippet('home_assistant', one, { password: '', ca })).toContain('transport: websockets');
    expect([snippet('arduino', one, { password: '', ca }), snippet('esphome', one, { password: '', ca })]).toEqual([undefined, undefined]);
  });
  it('indent a certificate for YAML', () => expect(snippet('esphome', withCA, { password: '', ca })).toContain('\n    AAA\n'));
});

describe('pageScript', () => {
  it('connects with the key, and stays one script', () => {
    const text = pageScript('wss://h/mqtt/x?key=pk_1', ['live/</script>/#'], ['votes/+']);
    expect(text.match(/<\/script>/g)).toHaveLength(2);
    expect(text).toContain('mqtt.connect("wss://h/mqtt/x?key=pk_1")');
    expect(text).toContain('client.subscribe("live/\\u003c/script>/#")');
    expect(text).toContain('client.publish("votes/a"');
  });

  it('has only what the key may do', () => {
    expect(pageScript('wss://h', [], ['a'])).not.toContain('subscribe');
    expect(pageScript('wss://h', ['a'], [])).not.toContain('publish');
  });
});
