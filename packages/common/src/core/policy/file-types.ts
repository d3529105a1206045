/** What people mean by a kind of file, by the endings of its name. No ending stands in two: `.ts` is left out, for more people write
 *  TypeScript than record television. */
export const fileTypes = {
  archive: ['7z', 'bz2', 'gz', 'iso', 'rar', 'tar', 'tgz', 'xz', 'zip', 'zst'],
  audio: ['aac', 'aif', 'aiff', 'flac', 'm4a', 'mid', 'mp3', 'oga', 'ogg', 'opus', 'wav', 'wma'],
  document: [
    'csv',
    'doc',
    'docx',
    'epub',
    'md',
    'odp',
    'ods',
    'odt',
    'pdf',
    'ppt',
    'pptx',
    'rtf',
    'txt',
    'xls',
    'xlsx',
  ],
  image: ['avif', 'bmp', 'gif', 'heic', 'heif', 'jpeg', 'jpg', 'png', 'psd', 'raw', 'svg', 'tif', 'tiff', 'webp'],
  video: ['3gp', 'avi', 'flv', 'm2ts', 'm4v', 'mkv', 'mov', 'mp4', 'mpeg', 'mpg', 'mts', 'ogv', 'webm', 'wmv'],
} as const

export type FileType = keyof typeof fileTypes

export const typePrefix = 'type:'

/** `type:video` as the patterns that it stands for, in any case; any other pattern as it is; undefined for a type that nobody knows. */
export function expandType(pattern: string): readonly string[] | undefined {
  if (!pattern.startsWith(typePrefix)) return [pattern]
  const type = pattern.slice(typePrefix.length)
  return Object.hasOwn(fileTypes, type) ? fileTypes[type as FileType].map(anyCase) : undefined
}

function anyCase(ending: string): string {
  const letters = [...ending].map((letter) => (/[a-z]/.test(letter) ? `[${letter}${letter.toUpperCase()}]` : letter))
  return `*.${letters.join('')}`
}
