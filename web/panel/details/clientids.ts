// What becomes of a client that comes with the client id of a connected one, as the API gives it.
import { get, patch } from '../base/api';
import { instancePath } from '../instances/instances';

export interface ClientIDs {
  policy: string; // takeover or refuse
}

const at = (id: string) => instancePath(id) + '/client-ids';

export const getClientIDs = (id: string, signal?: AbortSignal) => get<ClientIDs>(at(id), undefined, signal);
export const setClientIDs = (id: string, policy: string, was: ClientIDs) => patch<ClientIDs>(at(id), { policy }, was);
