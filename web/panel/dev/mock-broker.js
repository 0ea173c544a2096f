// A broker as small as can be for the web client: MQTT 5 over WebSocket, QoS 0 and 1, no sessions.
// Topics below "forbidden/" are refused, so that refusals can be seen.
import packets from 'mqtt-packet';
import { WebSocketServer } from 'ws';

export class Broker {
  constructor({ onMessage, onDenied }) {
    this.clients = new Set();
    this.retained = new Map();
    this.onMessage = onMessage;
    this.onDenied = onDenied;
    this.server = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' });
    this.server.on('connection', (socket) => this.#serve(socket));
  }

  get size() {
    return this.clients.size;
  }

  upgrade(req, socket, head) {
    this.server.handleUpgrade(req, socket, head, (ws) => this.server.emit('connection', ws));
  }

  #serve(socket) {
    const client = { filters: new Map(), id: '', send: (p) => socket.send(packets.generate(p, { protocolVersion: 5 })) };
    const parser = packets.parser({ protocolVersion: 5 });
    parser.on('packet', (p) => this.#take(client, p));
    socket.on('message', (bytes) => parser.parse(bytes));
    socket.on('close', () => this.clients.delete(client));
  }

  #take(client, p) {
    switch (p.cmd) {
      case 'connect':
        client.id = p.clientId;
        this.clients.add(client);
        return client.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
      case 'subscribe':
        return this.#subscribe(client, p);
      case 'unsubscribe':
        for (const filter of p.unsubscriptions) client.filters.delete(filter);
        return client.send({ cmd: 'unsuback', messageId: p.messageId, granted: p.unsubscriptions.map(() => 0) });
      case 'publish':
        return this.#publish(client, p);
      case 'pingreq':
        return client.send({ cmd: 'pingresp' });
    }
  }

  #subscribe(client, p) {
    const granted = p.subscriptions.map(({ topic, qos }) => {
      if (topic.startsWith('forbidden/')) {
        this.onDenied(client.id, topic);
        return 0x87;
      }
      client.filters.set(topic, qos);
      return qos;
    });
    client.send({ cmd: 'suback', messageId: p.messageId, granted });
    for (const { topic, rh } of p.subscriptions) {
      if (rh === 2) continue;
      for (const kept of this.retained.values()) if (matches(topic, kept.topic)) client.send({ ...kept, retain: true });
    }
  }

  #publish(client, p) {
    const denied = p.topic.startsWith('forbidden/');
    if (denied) this.onDenied(client.id, p.topic);
    if (p.qos === 1) client.send({ cmd: 'puback', messageId: p.messageId, reasonCode: denied ? 0x87 : 0 });
    if (denied) return;
    this.onMessage();
    const message = { cmd: 'publish', topic: p.topic, payload: p.payload, qos: 0, retain: false, dup: false };
    if (p.retain) this.retained.set(p.topic, message);
    for (const other of this.clients) {
      if ([...other.filters.keys()].some((filter) => matches(filter, p.topic))) other.send(message);
    }
  }
}

function matches(filter, topic) {
  const pattern = filter
    .split('/')
    .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '.*' : level.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${pattern.replace(/\/\.\*$/, '(/.*)?')}$`).test(topic);
}
