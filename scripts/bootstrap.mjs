// The first thing that runs on a new machine: this file must parse on any Node, even one that is far too old.
const oldestNode = 18

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  console.error(
    `Node ${process.versions.node} is too old to set Spansync up.\nInstall Node ${oldestNode} or newer, then try again.`,
  )
  process.exitCode = 1
} else {
  // Not awaited: top-level await would not parse there. A rejection ends the process with its stack, as it should.
  void import('./bootstrap/main.mjs').then(({ main }) => main(process.argv.slice(2)))
}
