// Publishes web/dist into internal/app/console/dist, where the Go binary embeds it. Text assets are
// stored gzipped only (name + ".gz"): nearly every client accepts gzip, and the server unpacks for the rest.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { constants, gzipSync } from 'node:zlib'

const web = dirname(dirname(fileURLToPath(import.meta.url)))
const from = join(web, 'dist')
const to = join(web, '..', 'internal', 'app', 'console', 'dist')
const staging = join(dirname(to), '.staging')
// index.html stays as it is: it is small, and the binary and the Makefile know by it that the console was built.
const packed = new Set(['.js', '.css', '.svg', '.json', '.txt', '.map'])

function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? walk(path) : [path]
  })
}

rmSync(staging, { recursive: true, force: true })
let bytes = 0
for (const file of walk(from)) {
  const name = relative(from, file)
  if (name.startsWith('.vite')) continue // the manifest is for the size check, not for browsers
  const target = join(staging, name)
  mkdirSync(dirname(target), { recursive: true })
  if (packed.has(extname(file))) {
    const data = gzipSync(readFileSync(file), { level: constants.Z_BEST_COMPRESSION })
    writeFileSync(target + '.gz', data)
    bytes += data.length
  } else {
    cpSync(file, target)
    bytes += statSync(file).size
  }
}
// Swapped in one step at the end, so that a broken build never leaves half a console to be embedded.
rmSync(to, { recursive: true, force: true })
renameSync(staging, to)
console.log(`console published to ${relative(process.cwd(), to)}: ${(bytes / 1024).toFixed(0)} KiB packed`)
