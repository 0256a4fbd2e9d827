import { expect, it } from 'vitest'
import { debits } from './Journal'

it('never adds up two currencies of an entry', () => {
  const line = (currency: string, amount_minor: number) => ({ account: '1011', currency, amount_minor })
  expect(debits([line('USD', 100_00), line('USD', -100_00), line('CNY', 712_00), line('CNY', -700_00), line('CNY', -12_00)])).toEqual([{ currency: 'USD', minor: 100_00 }, { currency: 'CNY', minor: 712_00 }])
})
