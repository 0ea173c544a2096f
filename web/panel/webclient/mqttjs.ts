// MQTT.js behind the border of line.ts. It's the one heavy part of the panel, so it's loaded when needed.
import type { IPublishPacket, MqttClient } from 'mqtt';
import { part } from '../base/parts.svelte';
import { Refused, type Answer, type Dial, type Events, type Grant, type Line } from './line';
import type { QoS } from './message';

const patience = 10_000; // milliseconds until CONNACK
const userName = 'web-client';

/** dial opens a connection with a grant. It rejects with Refused when the broker says no. */
export const dial: Dial = async (grant, events) => {
  const { default: mqtt } = await part(() => import('mqtt'));
  const client = mqtt.connect(grant.url, {
    protocolVersion: 5,
    clientId: grant.client_id,
    username: userName,
    password: grant.token,
    clean: true,
    keepalive: 60, // seconds
    connectTimeout: patience,
    reconnectPeriod: 0, // every connection needs a token of its own: client.svelte.ts sees to it
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: 'native', // the other kind starts a worker from a blob: URL, which our policy forbids
    reconnectOnConnackError: false,
  });
  return up(client, grant, events);
};

function up(client: MqttClient, grant: Grant, events: Events): Promise<Line> {
  return new Promise((resolve, reject) => {
    let live = false;
    let ended = false;
    let last: Answer = { code: 0, words: '' };

    client.on('connect', () => {
      live = true;
      resolve(lineOf(client, () => (ended = true)));
    });
    client.on('message', (topic, payload, packet: IPublishPacket) => {
      events.message({ topic, payload, qos: packet.qos, retain: packet.retain, dup: packet.dup });
    });
    client.on('disconnect', (packet) => {
      last = { code: packet.reasonCode ?? 0, words: packet.properties?.reasonString ?? '' };
    });
    client.on('error', (error) => (last = answerOf(error)));
    client.on('close', () => {
      client.end(true);
      if (ended) return;
      ended = true;
      if (live) events.closed(last);
      else reject(new Refused(last));
    });
  });
}

function lineOf(client: MqttClient, onEnd: () => void): Line {
  return {
    subscribe: (filter, qos, quiet) =>
      new Promise((resolve) => {
        // retain handling 2: a connection that takes over has no use for retained messages
        client.subscribe(filter, { qos, rap: true, rh: quiet ? 2 : 0 }, (error, _granted, packet) => {
          const code = packet?.granted?.[0];
          if (!error && code === undefined) return resolve({ code: 0, words: '' });
          if (code === undefined) return resolve(answerOf(error));
          resolve({ code: Number(code), words: packet?.properties?.reasonString ?? '' });
        });
      }),
    unsubscribe: (filter) => new Promise((resolve) => client.unsubscribe(filter, () => resolve())),
    publish: (topic: string, payload: Uint8Array, qos: QoS, retain: boolean, expiry?: number) =>
      new Promise((resolve) => {
        // MQTT.js hands bytes through as they are; its types know Node's kind of them only
        client.publish(topic, payload as Buffer, { qos, retain, properties: expiry ? { messageExpiryInterval: expiry } : undefined }, (error, packet) => {
          if (!error) return resolve({ code: 0, words: '' });
          const properties = packet && 'properties' in packet ? packet.properties : undefined;
          const words = properties && 'reasonString' in properties ? String(properties.reasonString) : '';
          resolve({ ...answerOf(error), words });
        });
      }),
    end: () => {
      onEnd();
      client.end();
    },
  };
}

const unspecified = 0x80;

function answerOf(error: unknown): Answer {
  const code = typeof error === 'object' && error && 'code' in error ? Number(error.code) : NaN;
  return { code: code >= unspecified ? code : unspecified, words: '' };
}
