import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { couple } from './trouble.ts'

interface Version {
  readonly path: string
  readonly at: string
  readonly file: string
}

describeLab('kept versions', () => {
  const lab = useLab('pair')

  async function versions(agent: SpansyncNode, ...paths: string[]): Promise<Version[]> {
    return JSON.parse((await agent.command(['versions', ...paths, '--json'])).stdout) as Version[]
  }

  test('whatever way Unison runs, and of what was deleted; brought back, they go everywhere', async () => {
    await using two = await couple(lab())
    const a = two.at('a')
    const content = (number: number): string => `${number} `.repeat(number + 1)
    let number = 0
    const edit = async (): Promise<void> => {
      a.write('f', content(number++))
      await two.fleet.settle('a')
    }
    for (let turn = 0; turn < 3; turn++) await edit()
    // The pair is kept ready by now, and what follows goes through its running session.
    await until(() => two.fleet.unisons().length >= 2, { deadlineMs: 30_000, what: 'a running session' })
    for (let turn = 0; turn < 3; turn++) await edit()
    a.remove('f')
    await two.fleet.settle('a')
    const found = await versions(two.b, 'f')
    expect(found.map(({ file }) => readFileSync(file, 'utf8'))).toEqual([5, 4, 3, 2, 1, 0].map(content))
    expect(await versions(two.a)).toEqual([])
    expect(two.at('b').list()).toEqual(two.at('a').list())

    await two.b.command(['versions', 'restore', 'f', '--at', found[2]?.at ?? ''])
    await until(() => a.exists('f'), { deadlineMs: 20_000, what: 'the restored file at a' })
    await two.fleet.settle('b')
    expect(a.read('f')).toBe(content(3))
  })

  test('a whole directory as it was before it was deleted', async () => {
    await using two = await couple(lab())
    for (let at = 0; at < 20; at++) two.at('a').write(`letters/${at % 3}/${at}`, `dear ${at}`)
    await two.fleet.settle('a')
    const before = new Date().toISOString()
    two.at('a').remove('letters')
    await two.fleet.settle('a')
    expect(two.at('b').exists('letters')).toBe(false)
    expect(await versions(two.b, `${two.b.folderPath}/letters`)).toHaveLength(20)
    await two.b.command(['versions', 'restore', 'letters', '--at', before])
    await two.fleet.follow('b', { deadlineMs: 30_000 })
    expect(two.at('a').read('letters/1/19')).toBe('dear 19')
  })
})
