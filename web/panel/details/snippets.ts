// Addresses of an instance, and texts to paste into other programs. Nothing here knows a page.
import type { Instance } from '../instances/instances';

/** What stands where a password belongs, as long as it isn't revealed. */
export const passwordPlace = 'YOUR_PASSWORD';

/** loginName is what a client sends as user name: with the instance in front unless the host says it. */
export function loginName(instance: Pick<Instance, 'id' | 'server' | 'user' | 'host_names'>, user = instance.user): string {
  const hostSays = instance.server.startsWith(instance.id + '.') || instance.host_names?.includes(instance.server);
  return hostSays || user === instance.id ? user : `${instance.id}:${user}`;
}

export function mqttURL(instance: Instance): string {
  return `mqtts://${host(instance)}:${instance.ssl_port}`;
}

export function webSocketURL(instance: Instance): string {
  return `wss://${host(instance)}:${instance.websocket_port}${instance.websocket_path}`;
}

/**
 * mosquitto writes a command line for mosquitto_pub or mosquitto_sub on the topic "test"; for our own program, which
 * has the same options, where there is WebSocket only.
 */
export function mosquitto(command: 'pub' | 'sub', instance: Instance, password = passwordPlace): string {
  const tail = command === 'pub' ? ["-t 'test' -m 'AAAAA'"] : ["-t 'test' -v"];
  const trust = instance.ca.url ? ' --cafile ca.pem' : ' --tls-use-os-certs';
  return [
    instance.ssl_port
      ? `mosquitto_${command} -h ${shell(instance.server)} -p ${instance.ssl_port}${trust}`
      : `tsunagi ${command} -L ${shell(webSocketURL(instance))}${instance.ca.url ? trust : ''}`,
    `  -u ${shell(loginName(instance))} -P ${shell(password)}`,
    ...tail.map((t) => '  ' + t),
  ].join(' \\\n');
}

/**
 * nodeRED writes a flow to import: inject → mqtt out, mqtt in → debug, one broker with TLS.
 * The authority's certificate goes with it when given, so that there is no file to upload.
 */
export function nodeRED(instance: Instance, ca: string, password = '', newID = randomID): string {
  const [broker, tls, inject, out, into, debug] = Array.from({ length: 6 }, newID);
  const credentials = { user: loginName(instance), password };
  const nodes = [
    { id: inject, type: 'inject', name: '', props: [{ p: 'payload' }], repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '', payload: '', payloadType: 'date', x: 130, y: 80, wires: [[out]] },
    { id: out, type: 'mqtt out', name: '', topic: 'test', qos: '0', retain: 'false', respTopic: '', contentType: '', userProps: '', correl: '', expiry: '', broker, x: 310, y: 80, wires: [] },
    { id: into, type: 'mqtt in', name: '', topic: 'test', qos: '0', datatype: 'auto-detect', broker, nl: false, rap: true, rh: 0, inputs: 0, x: 110, y: 160, wires: [[debug]] },
    { id: debug, type: 'debug', name: '', active: true, tosidebar: true, console: false, tostatus: false, complete: 'payload', targetType: 'msg', statusVal: '', statusType: 'auto', x: 310, y: 160, wires: [] },
    { id: broker, type: 'mqtt-broker', name: instance.name, broker: instance.ssl_port ? instance.server : webSocketURL(instance), port: String(instance.ssl_port || instance.websocket_port), tls, clientid: '', autoConnect: true, usetls: true, protocolVersion: '5', keepalive: '60', cleansession: true, autoUnsubscribe: true, birthTopic: '', birthQos: '0', birthPayload: '', birthMsg: {}, closeTopic: '', closeQos: '0', closePayload: '', closeMsg: {}, willTopic: '', willQos: '0', willPayload: '', willMsg: {}, userProps: '', sessionExpiry: '', credentials },
    { id: tls, type: 'tls-config', name: 'Tsunagi CA', cert: '', key: '', ca: '', certname: '', keyname: '', caname: ca ? 'ca.pem' : '', servername: '', verifyservercert: true, alpnprotocol: '', credentials: ca ? { cadata: ca } : {} },
  ];
  return JSON.stringify(nodes);
}

/**
 * sketch writes a program for ESP8266 and ESP32 in Arduino's language, with the library PubSubClient. header is the C header
 * with the authority's certificate. The clock comes first, since a certificate has a beginning and an end.
 */
export function sketch(instance: Instance, header: string, password = passwordPlace): string {
  const c = (text: string) => JSON.stringify(text);
  return `#if defined(ESP8266)
#include <ESP8266WiFi.h>
#else
#include <WiFi.h>
#endif
#include <WiFiClientSecure.h>
#include <PubSubClient.h>
#include <time.h>

const char* wifi_name = "YOUR_WIFI";
const char* wifi_password = "YOUR_WIFI_PASSWORD";

${header.trim()}

#if defined(ESP8266)
BearSSL::WiFiClientSecure net;
BearSSL::X509List authority(tsunagi_ca_pem);
#else
WiFiClientSecure net;
#endif
PubSubClient mqtt(net);

void received(char* topic, byte* payload, unsigned int length) {
  Serial.printf("%s: %.*s\\n", topic, (int)length, (const char*)payload);
}

void setup() {
  Serial.begin(115200);
  WiFi.mode(WIFI_STA);
  WiFi.begin(wifi_name, wifi_password);
  while (WiFi.status() != WL_CONNECTED) delay(250);

  configTime(0, 0, "pool.ntp.org", "time.google.com");
  while (time(nullptr) < 1700000000) delay(250);

#if defined(ESP8266)
  net.setTrustAnchors(&authority);
  net.setBufferSizes(${instance.ssl_port === instance.device_port ? '16384' : '1024'}, 512);
#else
  net.setCACert(tsunagi_ca_pem);
#endif
  mqtt.setServer(${c(instance.server)}, ${instance.device_port});
  mqtt.setBufferSize(1024);
  mqtt.setCallback(received);
}

void loop() {
  if (!mqtt.connected()) {
    String id = "esp-" + WiFi.macAddress();
    if (!mqtt.connect(id.c_str(), ${c(loginName(instance))}, ${c(password)})) {
      Serial.printf("not connected: %d\\n", mqtt.state());
      delay(5000);
      return;
    }
    mqtt.subscribe("test");
    mqtt.publish("test", "AAAAA");
  }
  mqtt.loop();
}
`;
}

function host(instance: Instance): string {
  return instance.server.includes(':') ? `[${instance.server}]` : instance.server;
}

/** shell quotes a word for a POSIX shell where it needs it. */
export function shell(word: string): string {
  return /^[\w.:@%+=/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** randomID makes an id in Node-RED's form: 16 hexadecimal digits. */
function randomID(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** pageScript writes what a web page needs to use a publishable key, with MQTT.js. Any reader of the page may know all of it. */
export function pageScript(url: string, subscribe: string[], publish: string[]): string {
  const js = (text: string) => JSON.stringify(text).replaceAll('<', '\\u003c');
  const topic = (filter: string) => js(filter.replaceAll(/[+#]/g, 'a'));
  return [
    '<script src="https://unpkg.com/mqtt@5.16.0/dist/mqtt.min.js"></script>',
    '<script>',
    `  const client = mqtt.connect(${js(url)});`,
    ...subscribe.slice(0, 1).flatMap((filter) => [
      `  client.on('connect', () => client.subscribe(${js(filter)}));`,
      "  client.on('message', (topic, payload) => console.log(topic, payload.toString()));",
    ]),
    ...publish.slice(0, 1).map((filter) => `  client.publish(${topic(filter)}, 'AAAAA');`),
    '</script>',
    '',
  ].join('\n');
}
