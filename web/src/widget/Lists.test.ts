import { expect, it } from 'vitest'
import { diffRows } from './Lists'

it('compares two documents leaf by leaf', () => {
  const rows = diffRows({ rate: '0.05', terms: { tenor: 12, tags: ['a'] }, gone: 1 }, { rate: '0.06', terms: { tenor: 12, tags: ['a', 'b'] }, added: true })
  expect(rows.filter((row) => row.changed)).toEqual([
    { field: 'rate', before: '0.05', after: '0.06', changed: true },
    { field: 'gone', before: '1', after: '', changed: true },
    { field: 'terms.tags.1', before: '', after: 'b', changed: true },
    { field: 'added', before: '', after: 'true', changed: true },
  ])
  expect(rows.filter((row) => !row.changed).map((row) => row.field)).toEqual(['terms.tenor', 'terms.tags.0'])
})

it('shows a new thing against nothing', () => expect(diffRows(null, { name: 'x' })).toEqual([{ field: 'name', before: '', after: 'x', changed: true }]))
