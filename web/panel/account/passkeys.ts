// Passkeys: what the browser's API wants and gives, as the JSON that the server speaks.
import { post } from '../base/api';
import type { Proof } from './proof.svelte';

export interface Passkey {
  id: string;
  name: string;
  created_at: string;
  used_at?: string;
}

interface Ceremony {
  ticket: string;
  options: { publicKey: Record<string, unknown> };
}

/** canPasskey says whether this browser knows passkeys at all. */
export const canPasskey = (): boolean => typeof PublicKeyCredential === 'function';

/** Given up by the person, or by the browser on their behalf. */
export class PasskeyCancelled extends Error {}

function bytes(text: unknown): Uint8Array<ArrayBuffer> {
  const raw = atob(String(text).replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

export function base64url(buffer: ArrayBuffer): string {
  let raw = '';
  for (const b of new Uint8Array(buffer)) raw += String.fromCharCode(b);
  return btoa(raw).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

type Descriptor = { id: unknown };
const descriptors = (list: unknown) => ((list ?? []) as Descriptor[]).map((one) => ({ ...one, id: bytes(one.id) }));

/** decode makes binary values of those that JSON has as base64url. */
export function decode(publicKey: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = { ...publicKey, challenge: bytes(publicKey.challenge) };
  const user = publicKey.user as { id: unknown } | undefined;
  if (user) out.user = { ...user, id: bytes(user.id) };
  if (publicKey.excludeCredentials) out.excludeCredentials = descriptors(publicKey.excludeCredentials);
  if (publicKey.allowCredentials) out.allowCredentials = descriptors(publicKey.allowCredentials);
  return out;
}

/** encode is a credential as JSON. */
function encode(credential: PublicKeyCredential): Record<string, unknown> {
  const r = credential.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  const response: Record<string, unknown> = { clientDataJSON: base64url(r.clientDataJSON) };
  if (r.attestationObject) {
    response.attestationObject = base64url(r.attestationObject);
    response.transports = r.getTransports?.() ?? [];
  } else {
    response.authenticatorData = base64url(r.authenticatorData);
    response.signature = base64url(r.signature);
    if (r.userHandle) response.userHandle = base64url(r.userHandle);
  }
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

async function asked(act: () => Promise<Credential | null>): Promise<Record<string, unknown>> {
  try {
    const made = await act();
    if (made) return encode(made as PublicKeyCredential);
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
  }
  throw new PasskeyCancelled();
}

/** addPasskey has the browser make a passkey and stores it. */
export async function addPasskey(name: string, proof: Proof): Promise<void> {
  const begun = await post<Ceremony>('/passkeys/new', proof);
  const publicKey = decode(begun.options.publicKey) as unknown as PublicKeyCredentialCreationOptions;
  const answer = await asked(() => navigator.credentials.create({ publicKey }));
  await post('/passkeys', { ticket: begun.ticket, name, answer });
}

/** signWithPasskey signs in; with the ticket of a first step it is the second one. */
export async function signWithPasskey(ticket = ''): Promise<void> {
  await post('/session/passkey', await sign('/session/passkey/new', { ticket }));
}

/** confirmWithPasskey is the confirmation that an operation wants, for the thing with that id. */
export async function confirmWithPasskey(purpose: string, object: string): Promise<string> {
  const signed = await sign('/session/confirm/passkey/new', { purpose, object });
  return (await post<{ confirmation: string }>('/session/confirm/passkey', signed)).confirmation;
}

/** sign begins a ceremony, and has a passkey sign it. */
async function sign(path: string, wish: Record<string, string>): Promise<{ ticket: string; answer: Record<string, unknown> }> {
  const begun = await post<Ceremony>(path, wish);
  const publicKey = decode(begun.options.publicKey) as unknown as PublicKeyCredentialRequestOptions;
  return { ticket: begun.ticket, answer: await asked(() => navigator.credentials.get({ publicKey })) };
}
