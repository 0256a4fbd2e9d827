import { expect, test } from 'vitest'
import { treeOf, type ChartAccount } from './Accounts'

const account = (code: string, parent = ''): ChartAccount => ({ code, name_zh: code, name_en: code, kind: 'asset', parent_code: parent, level: 1, active: true, open_api: false, manual: true, overdraft_minor: -1, monetary: true })

test('accounts stand under their parents with their balances', () => {
  const tree = treeOf([account('1001'), account('1001.01', '1001'), account('1002')], [{ code: '1001.01', currency: 'CNY', closing_minor: 5 }, { code: '1001.01', currency: 'USD', closing_minor: 7 }])
  expect(tree.map((one) => one.code)).toEqual(['1001', '1002'])
  expect(tree[0]?.children?.[0]?.balances).toHaveLength(2)
})

test('an account whose parent is missing is still shown', () => {
  expect(treeOf([account('2001', '2000')], [])).toHaveLength(1)
})
