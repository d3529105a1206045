import { parseConfig } from '../config/parse.ts'
import { ConfigError, formatProblem } from '../config/problems.ts'

/** What a person would read about a config.yaml; nothing when it is right. */
export function configProblems(text: string, home?: string): string[] {
  try {
    parseConfig({ file: '/etc/x/config.yaml', text, ...(home === undefined ? {} : { home }) })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem)
    throw error
  }
}
