import type { ControlHandlers } from '../control/api.ts'
import type { Follower } from '../coordination/follower.ts'
import type { Membership } from '../membership/membership.ts'
import { approve, revert } from './answers.ts'
import { audit } from './audit.ts'
import { conflictsOf } from './conflicts.ts'
import { diagnose } from './diagnose.ts'
import { hostOf, hostsOf } from './hosts.ts'
import type { Network } from './network.ts'
import { offeredHere } from './offers.ts'
import { statusOf } from './status.ts'
import type { StatusHub } from './status-hub.ts'
import { synchronise } from './synchronise.ts'
import { whyOf } from './why.ts'

export interface HandlerOptions {
  readonly network: Network
  readonly hub: StatusHub
  readonly follower: Follower
  readonly membership: Membership
  readonly reload: () => Promise<void>
  readonly rotate: ControlHandlers['rotate']
}

/** What the command line can ask of the running agent. */
export function createHandlers({
  network,
  hub,
  follower,
  membership,
  reload,
  rotate,
}: HandlerOptions): ControlHandlers {
  return {
    status: async () => statusOf(network, hub, follower),
    onStatusChange: (callback) => hub.listen(callback),
    sync: (request, signal) => synchronise(network, request, signal),
    conflicts: async (folder) => conflictsOf(hostsOf(network, folder)),
    audit: (request, signal) => audit(network, request, signal),
    why: async (request) => whyOf(network, follower, request),
    doctor: async () => ({ checks: diagnose(network) }),
    approve: async (folder) => approve(hostOf(network, folder)),
    revert: (folder) => revert(hostOf(network, folder)),
    invite: async ({ addresses }) => membership.invite(addresses),
    joined: () => membership.joined(),
    remove: (node) => membership.remove(node),
    offers: async () => offeredHere(network),
    reload,
    rotate,
  }
}
