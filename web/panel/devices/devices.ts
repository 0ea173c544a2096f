// Flow servers at home, reached through their tunnels.
import { post, segment } from '../base/api';

/** openDevice gives an address of the device's editor that works once, in this browser. */
export const openDevice = (id: string) => post<{ url: string }>(`/devices/${segment(id)}/open`);
