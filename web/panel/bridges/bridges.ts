// Bridges between an instance and other brokers.
import type { Told } from '../base/faults';
import { get, patch, post, remove, segment, type List } from '../base/api';

export type Direction = 'in' | 'out' | 'both';

export interface BridgeLine {
  direction: Direction;
  filter: string;
  local: string; // prefix on the instance
  remote: string; // prefix on the other broker
  qos: number;
}

export interface BridgeState {
  state: 'connecting' | 'connected' | 'waiting' | 'off';
  since?: string;
  last_error?: string;
  last_error_told?: Told;
  next_try?: string;
  queued: number;
  sent: number;
  received: number;
  refused: number;
  last_refusal?: string;
  last_refusal_told?: Told;
}

export interface Bridge {
  id: string;
  name: string;
  enabled: boolean;
  address: string;
  roots: string;
  client_id: string;
  user: string;
  has_password: boolean;
  version: '5.0' | '3.1.1';
  keep_alive: number; // seconds
  topics: BridgeLine[];
  state: BridgeState;
}

export type BridgeChange = Partial<Omit<Bridge, 'id' | 'state' | 'has_password'>> & { password?: string };

const path = (instance: string, bridge?: string) => `/instances/${segment(instance)}/bridges${bridge ? '/' + segment(bridge) : ''}`;

export const listBridges = (instance: string, signal?: AbortSignal) => get<List<Bridge>>(path(instance), undefined, signal);
export const getBridge = (instance: string, bridge: string) => get<Bridge>(path(instance, bridge));
export const createBridge = (instance: string, wish: BridgeChange) => post<Bridge>(path(instance), wish);
export const changeBridge = (instance: string, was: Bridge, change: BridgeChange) => patch<Bridge>(path(instance, was.id), change, was);
export const deleteBridge = (instance: string, was: Bridge) => remove(path(instance, was.id), was);

/** Step is a stage of a test that was reached; the last one may have failed. */
export interface Step {
  stage: 'name' | 'tcp' | 'tls' | 'connect' | 'subscribe';
  ok: boolean;
  text?: string;
  cause?: string;
  filters?: string[];
}

export const testBridge = (instance: string, bridge: string) => post<{ works: boolean; steps: Step[] }>(path(instance, bridge) + '/test');

/** lineOf is what the server leaves out where it is empty, filled in. */
export const lineOf = (line: Partial<BridgeLine>): BridgeLine => ({ direction: 'out', filter: '', local: '', remote: '', qos: 0, ...line });
