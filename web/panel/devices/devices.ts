// Flow servers at home, reached through their tunnels.
import { get, patch, post, remove, segment, type List } from '../base/api';

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
}

export interface Pairing {
  code: string;
  expires: string;
  command: string; // to be run on the device
  filter: string; // topics that it may use
}

const path = (id: string) => '/devices/' + segment(id);

export const listDevices = (signal?: AbortSignal) => get<List<Device>>('/devices', undefined, signal);
export const createPairing = (wish: { name: string; instance: string; filter: string }) => post<Pairing>('/devices/codes', wish);
export const changeDevice = (id: string, change: { name?: string; remote_editing?: boolean }) => patch<Device>(path(id), change);
export const deleteDevice = (id: string) => remove(path(id));
export const rotateDevice = (id: string) => post(path(id) + '/rotate');

/** openDevice gives an address of the device's editor that works once, in this browser. */
export const openDevice = (id: string) => post<{ url: string }>(path(id) + '/open');
