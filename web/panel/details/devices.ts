// Programs and settings for devices and other software, to paste. Nothing here knows a page.
import type { Instance } from '../instances/instances';
import { loginName, mosquitto, mqttURL, nodeRED, passwordPlace, webSocketURL } from './snippets';

export const targets = ['sub', 'pub', 'python', 'mqttjs', 'arduino', 'home_assistant', 'esphome', 'node_red'] as const;
export type Target = (typeof targets)[number];

/** What a snippet needs beside the instance. */
export interface Facts {
  password: string; // '' while it isn't revealed
  ca: string; // PEM of the authority; '' where the system's authorities do
}

/** snippet writes the text for a target; undefined where it can't do without an own port for MQTT. */
export function snippet(target: Target, instance: Instance, { password, ca }: Facts): string | undefined {
  const login = { user: loginName(instance), password: password || passwordPlace };
  switch (target) {
    case 'sub':
    case 'pub':
      return mosquitto(target, instance, password || undefined);
    case 'python':
      return python(instance, login);
    case 'mqttjs':
      return mqttjs(instance, login);
    case 'arduino':
      return instance.ssl_port ? arduino(instance, login, ca) : undefined;
    case 'home_assistant':
      return homeAssistant(instance, login);
    case 'esphome':
      return instance.ssl_port ? esphome(instance, login, ca) : undefined;
    case 'node_red':
      return nodeRED(instance, ca, password);
  }
}

interface Login {
  user: string;
  password: string;
}

/** quoted is a text as JSON, Python, JavaScript, C and YAML read it alike. */
const quoted = (text: string) => JSON.stringify(text);

function python(instance: Instance, login: Login): string {
  const socket = !instance.ssl_port;
  return `# pip install "paho-mqtt>=2"
import paho.mqtt.client as mqtt

def on_connect(client, userdata, flags, reason, properties):
    print("connected:", reason)
    client.subscribe("test", qos=1)
    client.publish("test", "AAAAA", qos=1)

def on_message(client, userdata, message):
    print(message.topic, message.payload.decode())

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5${socket ? ', transport="websockets"' : ''})
client.username_pw_set(${quoted(login.user)}, ${quoted(login.password)})
client.tls_set(${instance.ca.url ? '"ca.pem"' : ''})
${socket ? `client.ws_set_options(path=${quoted(instance.websocket_path)})\n` : ''}client.on_connect = on_connect
client.on_message = on_message
client.connect(${quoted(instance.server)}, ${socket ? instance.websocket_port : instance.ssl_port})
client.loop_forever()`;
}

function mqttjs(instance: Instance, login: Login): string {
  const ca = instance.ca.url;
  return `// npm install mqtt
${ca ? "import { readFileSync } from 'node:fs';\n" : ''}import mqtt from 'mqtt';

const client = mqtt.connect(${quoted(instance.ssl_port ? mqttURL(instance) : webSocketURL(instance))}, {
  protocolVersion: 5,
  username: ${quoted(login.user)},
  password: ${quoted(login.password)},${ca ? "\n  ca: readFileSync('ca.pem')," : ''}
});
client.on('connect', () => {
  client.subscribe('test', { qos: 1 });
  client.publish('test', 'AAAAA', { qos: 1 });
});
client.on('message', (topic, payload) => console.log(topic, payload.toString()));
client.on('error', (error) => console.error(error.message));`;
}

function arduino(instance: Instance, login: Login, ca: string): string {
  return `// ESP32, library PubSubClient
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <PubSubClient.h>
#include <time.h>

const char* WIFI = "YOUR_WIFI";
const char* WIFI_PASSWORD = "YOUR_WIFI_PASSWORD";
const char CA[] = R"(${ca.trim() || 'ROOT_CERTIFICATE_OF_THE_SERVER'}
)";

WiFiClientSecure net;
PubSubClient client(net);

void received(char* topic, byte* payload, unsigned int size) {
  Serial.printf("%s %.*s\\n", topic, size, (char*)payload);
}

void setup() {
  Serial.begin(115200);
  WiFi.begin(WIFI, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(200);
  configTime(0, 0, "pool.ntp.org");
  while (time(nullptr) < 1700000000) delay(200);
  net.setCACert(CA);
  client.setServer(${quoted(instance.server)}, ${instance.ssl_port});
  client.setCallback(received);
}

void loop() {
  if (!client.connected()) {
    String id = "esp32-" + String((uint32_t)ESP.getEfuseMac(), HEX);
    if (!client.connect(id.c_str(), ${quoted(login.user)}, ${quoted(login.password)})) {
      Serial.printf("not connected: %d\\n", client.state());
      delay(5000);
      return;
    }
    client.subscribe("test");
    client.publish("test", "AAAAA");
  }
  client.loop();
}`;
}

function homeAssistant(instance: Instance, login: Login): string {
  const socket = !instance.ssl_port;
  return `# Settings > Devices & services > Add integration > MQTT
broker: ${quoted(instance.server)}
port: ${socket ? instance.websocket_port : instance.ssl_port}
username: ${quoted(login.user)}
password: ${quoted(login.password)}
# Advanced options
mqtt_protocol: "5"
transport: ${socket ? `websockets\nws_path: ${quoted(instance.websocket_path)}` : 'tcp'}
broker_certificate_validation: ${instance.ca.url ? 'custom  # upload ca.pem' : 'auto'}

# configuration.yaml
mqtt:
  sensor:
    - name: "Test"
      state_topic: "test"`;
}

function esphome(instance: Instance, login: Login, ca: string): string {
  const lines = ca.trim().split('\n').map((line) => '    ' + line.trim());
  return `esp32:
  board: esp32dev
  framework:
    type: esp-idf

time:
  - platform: sntp

mqtt:
  broker: ${quoted(instance.server)}
  port: ${instance.ssl_port}
  username: ${quoted(login.user)}
  password: ${quoted(login.password)}
  certificate_authority: |
${ca ? lines.join('\n') : '    ROOT_CERTIFICATE_OF_THE_SERVER'}
  on_message:
    - topic: test
      then:
        - logger.log: "a message has come"`;
}
