import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))

describe.each([
  { directory: 'packages/agent', name: 'spansync' },
  { directory: 'packages/coordinator', name: 'spansync-coordinator' },
])('$name', ({ directory, name }) => {
  let repository: string
  let launcher: string

  beforeEach(() => {
    // A name that a launcher without quotes would trip over.
    repository = mkdtempSync(path.join(tmpdir(), 'spansync launchers '))
    onTestFinished(() => rmSync(repository, { recursive: true, force: true }))
    launcher = path.join(repository, directory, 'bin', name)
    cpSync(path.join(root, directory, 'bin'), path.dirname(launcher), { recursive: true })
  })

  function build() {
    const main = path.join(repository, directory, 'dist/main.js')
    mkdirSync(path.dirname(main))
    writeFileSync(
      main,
      'console.log(JSON.stringify({ node: process.argv0, args: process.argv.slice(2), cwd: process.cwd() }))',
    )
  }

  /** A Node in `at` that calls itself `version`; it runs programs with the real one. */
  function installNode(at: string, version: string) {
    const script = `#!/bin/bash\n[ "$1" = --version ] && echo ${version} && exit\nexec -a "${version}" "${process.execPath}" "$@"\n`
    mkdirSync(path.join(repository, at), { recursive: true })
    const file = path.join(repository, at, 'node')
    writeFileSync(file, script)
    chmodSync(file, 0o755)
  }

  function launch(file: string, ...args: string[]) {
    const env = { PATH: `${path.join(repository, 'system')}:/usr/bin:/bin` }
    return spawnSync(file, args, { cwd: '/', env, encoding: 'utf8' })
  }

  test('runs through links, from anywhere, with its arguments as they are', () => {
    build()
    installNode('system', 'v26.0.0')
    symlinkSync(path.relative(path.join(repository, 'system'), launcher), path.join(repository, 'system/relative'))
    symlinkSync(path.join(repository, 'system/relative'), path.join(repository, 'absolute'))
    symlinkSync(path.join(repository, directory), path.join(repository, 'package'))
    for (const file of [launcher, path.join(repository, 'absolute'), path.join(repository, 'package/bin', name)]) {
      const { stdout } = launch(file, 'folder', 'add', 'a b', '', '*')
      expect(JSON.parse(stdout)).toEqual({ node: 'v26.0.0', args: ['folder', 'add', 'a b', '', '*'], cwd: '/' })
    }
  })

  test("prefers the repository's own Node", () => {
    build()
    installNode('system', 'v18.20.4')
    installNode('.tools/bin', 'v24.21.0')
    expect(JSON.parse(launch(launcher).stdout)).toMatchObject({ node: 'v24.21.0' })
  })

  test.each([
    { problem: 'Node v18.20.4 is too old', remedy: 'npm start', prepare: () => installNode('system', 'v18.20.4') },
    { problem: 'not built yet', remedy: 'npm run setup', prepare: () => installNode('system', 'v24.0.0') },
  ])('says: $problem', ({ problem, remedy, prepare }) => {
    prepare()
    const { status, stderr } = launch(launcher)
    expect(status).toBe(1)
    expect(stderr).toContain(problem)
    expect(stderr).toContain(remedy)
  })
})
