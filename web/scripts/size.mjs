// Holds the size budget of the console: what a first visit loads, and what each route adds to it.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const budget = { first: 300, route: 100, chart: 240 } // KiB of gzipped JavaScript
const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist')
const manifest = JSON.parse(readFileSync(join(dist, '.vite', 'manifest.json'), 'utf8'))

const sizes = new Map()
function size(key) {
  if (!sizes.has(key)) sizes.set(key, gzipSync(readFileSync(join(dist, manifest[key].file))).length / 1024)
  return sizes.get(key)
}
/** Everything the chunk needs before it can run. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) closure(next, seen)
  return seen
}
const sum = (keys) => [...keys].reduce((total, key) => total + size(key), 0)

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
const first = closure(entry)
// The shell is the first screen after login: it is part of what a first visit loads.
for (const key of Object.keys(manifest)) if (/src\/shell\/Shell\.tsx$/.test(key)) closure(key, first)
const broken = []
const line = (name, kib, limit) => {
  console.log(`${kib.toFixed(1).padStart(8)} / ${String(limit).padStart(3)} KiB gz  ${name}`)
  if (kib > limit) broken.push(name)
}
line('first load', sum(first), budget.first)

// A chunk that several routes share (the table, the form controls) is fetched once and cached for good,
// so it is held to the route budget by itself and not charged to every route again.
const users = new Map()
const routes = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry && !first.has(key))
for (const key of routes) for (const part of closure(key)) users.set(part, (users.get(part) ?? 0) + 1)
const isChart = (key) => /ChartCanvas/.test(key)
for (const key of Object.keys(manifest)) {
  if (first.has(key) || !manifest[key].file.endsWith('.js') || routes.includes(key)) continue
  if ((users.get(key) ?? 0) > 1) line(`shared ${manifest[key].name ?? key}`, size(key), budget.route)
}
for (const key of routes) {
  const own = [...closure(key)].filter((part) => !first.has(part) && (part === key || users.get(part) === 1))
  line(key, sum(own), isChart(key) ? budget.chart : budget.route)
}
if (broken.length > 0) {
  console.error(`over budget: ${broken.join(', ')}`)
  process.exit(1)
}
