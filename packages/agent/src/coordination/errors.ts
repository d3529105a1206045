import { SpansyncError } from '@spansync/common/runtime/errors'

/** The configuration names a coordinator but not how to prove who this node is. */
export class CredentialsNeededError extends SpansyncError {
  constructor(url: string) {
    super({
      code: 'credentials_needed',
      message: `the coordinator at ${url} needs credentials`,
      remedy:
        'on the coordinator run `spansync-coordinator nodes add NAME --id FINGERPRINT --out FILE`, bring FILE here, and run ' +
        '`spansync coordinator set URL --creds FILE`',
    })
  }
}

/** Made for another node. */
export class CredentialsForeignError extends SpansyncError {
  constructor(file: string, name: string) {
    super({
      code: 'credentials_foreign',
      message: `${file} was made for the node ${name}, whose fingerprint is not this machine's`,
      remedy: 'run `spansync id` here, and on the coordinator `spansync-coordinator nodes add` with that fingerprint',
    })
  }
}

/** With a key that this node has made itself. */
export class NotAdmittedError extends SpansyncError {
  constructor(refusal: string | undefined) {
    const asked = 'this machine has asked the coordinator to be let in'
    super({
      code: 'not_admitted',
      message: refusal === undefined ? `${asked}, and is not in yet` : `${asked}, and was refused: ${refusal}`,
      remedy:
        'it goes on asking through every peer that reaches the coordinator; or on the coordinator run `spansync-coordinator nodes add ' +
        'NAME --id FINGERPRINT --out FILE`, bring FILE here, and run `spansync coordinator set URL --creds FILE`',
      retryable: true,
    })
  }
}
