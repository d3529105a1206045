import { join } from 'node:path'
import { markerDirectory } from './marker.ts'

/** Where files gather before they are put in place: inside the root, so that putting them there is a link or a rename, and nobody
 *  watches or synchronises it. Removed when the folder is opened. */
export const stagingDirectory = (root: string): string => join(root, markerDirectory, 'ahead')
