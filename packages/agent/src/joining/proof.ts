import { createHmac, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { NodeId } from '@spansync/common/core/causal/types'

const label = 'EXPORTER-spansync-join'

export interface Proving {
  readonly secret: Buffer
  readonly joiner: NodeId
  readonly inviter: NodeId
  /** Both ends of one TLS connection have the same, and nobody else (RFC 5705): a proof is worth nothing on any other, so it cannot be
   *  passed on, nor played again. */
  readonly binding: Buffer
}

export const bindingOf = (tls: TLSSocket): Buffer => tls.exportKeyingMaterial(32, label, Buffer.alloc(0))

/** Shows that its maker has the code, without showing the code. 32 bytes. */
export function proofOf({ secret, joiner, inviter, binding }: Proving): Buffer {
  return createHmac('sha256', secret).update(`${label} ${joiner} ${inviter} `).update(binding).digest()
}

export function isProof(proof: Buffer, of: Proving): boolean {
  const expected = proofOf(of)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}
