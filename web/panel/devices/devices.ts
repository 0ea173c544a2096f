// Flow servers at home, reached through their tunnels.
import { get, patch, post, remove, segment, type List } from '../base/api';
import type { Told } from '../base/faults';
import type { Role } from '../base/rights';

export interface Device {
  id: string;
  name: string; // a DNS label
  url: string; // of its editor
  instance: string; // that its flows use
  user: string; // MQTT user of its flows there
  version: string;
  remote_editing: boolean;
  created_at: string;
  seen_at?: string;
  online: boolean;
  since?: string;
  remote?: string;
  local_only: boolean; // the device's own settings forbid remote editing
  pages: Pages; // who may see the pages of its flows
  pages_url: string;
  device_pages?: Pages; // who at most, as the device's own settings say; absent: its program offers none
  labels: string[]; // groups that it is in
  ended?: 'stopped' | 'restarting' | 'updating' | 'lost' | 'refused'; // why it is not connected
  ended_at?: string;
  role?: Role; // of who asks, in the account that it belongs to
  suspended?: boolean; // that account
}

/** Pages is who may see the pages of a device's flows: people who may open its editor, everybody, or nobody. */
export type Pages = 'people' | 'public' | 'none';

/** showsPages says whether a device's pages can be seen from here by who may open its editor. */
export const showsPages = (d: Device) => d.pages !== 'none' && d.device_pages !== undefined && d.device_pages !== 'none';

export interface Pairing {
  code: string;
  expires: string;
  command: string; // to be run on the device
  filter: string; // topics that it may use
}

const path = (id: string) => '/devices/' + segment(id);

export const listDevices = (signal?: AbortSignal) => get<List<Device>>('/devices', undefined, signal);
export const createPairing = (wish: { name: string; instance: string; filter: string }) => post<Pairing>('/devices/codes', wish);
export const changeDevice = (was: Device, change: { name?: string; remote_editing?: boolean; pages?: Pages; labels?: string[] }) => patch<Device>(path(was.id), change, was);
export const deleteDevice = (was: Device) => remove(path(was.id), was);
export const rotateDevice = (id: string) => post(path(id) + '/rotate');

/** openDevice gives an address of the device's editor that works once, in this browser. */
export const openDevice = (id: string) => post<{ url: string }>(path(id) + '/open');

/** openPages gives an address of the device's pages that works once, in this browser; to is the path of one of them. */
export const openPages = (id: string, to: string) => post<{ url: string }>(path(id) + '/pages', { to: to || '/' });

export const getDevice = (id: string, signal?: AbortSignal) => get<Device>(path(id), undefined, signal);
export const restartDevice = (id: string) => post(path(id) + '/restart');
export const updateDevice = (id: string) => post(path(id) + '/update');

/** LocalBroker is how a device's broker for its network is, and its bridge to this server. */
export interface LocalBroker {
  address: string;
  plain?: string; // MQTT without TLS
  clients: number;
  users: number;
  state: 'off' | 'unpaired' | 'login' | 'connecting' | 'connected' | 'waiting';
  error?: string;
  error_told?: Told;
  waiting: number; // messages for this server
  bytes: number;
  most_waiting: number;
  most_bytes: number;
  full?: boolean;
  sent: number;
  received: number;
  refused?: number;
  last_refusal?: string;
  last_refusal_told?: Told;
}

/** Figures are how the machine and its program are; sizes are bytes. */
export interface Figures {
  version: string;
  target: string; // system and processor
  machine?: string;
  started_at?: string;
  memory: number; // of the program
  total: number;
  available: number;
  cpu: number; // 1 is all of one processor
  cpus: number;
  disk: number;
  free: number;
  update?: string; // why the program can't be replaced from here
  release?: string; // a version that is ready for it
  failed?: string; // why the last update was taken back
  broker?: LocalBroker; // for the devices in its network
  flows?: { state: string; nodes: number; deployed_at?: string; deployed_by?: string; written: { day: string; bytes: number }[] };
}

export const getFigures = (id: string, signal?: AbortSignal) => get<Figures>(path(id) + '/figures', undefined, signal);
export const getLog = (id: string, after: number, signal?: AbortSignal) =>
  get<{ lines: string[]; last: number }>(path(id) + '/log', { after: String(after) }, signal);

export interface Snapshot {
  id: string;
  time: string;
  user?: string;
  name?: string;
  type: string;
  rev: string;
  nodes: number;
}

export interface ChangedNode {
  id: string;
  type: string;
  name?: string;
  fields?: string[];
  moved?: boolean;
}

export type Diff = Record<'added' | 'removed' | 'changed', ChangedNode[]>;

const snapshot = (id: string, snap: string) => path(id) + '/snapshots/' + segment(snap);

export const listSnapshots = (id: string, signal?: AbortSignal) =>
  get<{ rev: string; snapshots: Snapshot[] }>(path(id) + '/snapshots', undefined, signal);
export const diffSnapshot = (id: string, snap: string, signal?: AbortSignal) => get<Diff>(snapshot(id, snap) + '/diff', undefined, signal);
export const nameSnapshot = (id: string, snap: string, name: string) => patch(snapshot(id, snap), { name });
export const restoreSnapshot = (id: string, snap: string) => post(snapshot(id, snap) + '/restore');
export const pushSnapshot = (id: string, snap: string, to: { devices?: string[]; label?: string }) =>
  post<List<{ device: string; name: string; ok: boolean; error?: string }>>(snapshot(id, snap) + '/push', to);

/** words splits what somebody typed into labels. */
export const words = (text: string) => [...new Set(text.toLowerCase().split(/[\s,、]+/).filter(Boolean))];
