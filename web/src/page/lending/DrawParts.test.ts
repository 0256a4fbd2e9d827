import dayjs from 'dayjs'
import { describe, expect, it } from 'vitest'
import { extrasOf } from './DrawParts'

const base = { methods: null, tenor_months_min: 1, tenor_months_max: 12 }

describe('what a drawdown tells the server', () => {
  it('says nothing special of a plain loan', () => expect(extrasOf({ method: 'bullet', lease: { deposit_minor: 5 }, purpose: 'x' }, { ...base, kind: 'term' })).toEqual({}))
  it('tells the lease, and pays the supplier when both account and machine are given', () => {
    const conditions = { ...base, kind: 'lease' }
    expect(extrasOf({ method: 'equal_instalment', lease: { deposit_minor: 100 } }, conditions)).toEqual({ lease: { in_advance: false, residual_minor: 0, deposit_minor: 100, deposit_paid_in: false } })
    expect(extrasOf({ method: 'equal_instalment', purpose: '机床', repay_account: '62' }, conditions)).toMatchObject({ entrusted: true, purpose: '机床', repay_account: '62' })
  })
  it('tells the share of sales only by its method', () => {
    const sales = { share: '0.08', expected_minor: 500 }
    expect(extrasOf({ method: 'sales_share', sales }, base)).toEqual({ sales })
    expect(extrasOf({ method: 'bullet', sales }, base)).toEqual({})
  })
  it('leaves out stages that are not filled in', () => {
    expect(extrasOf({ method: 'bullet', tranches: [{ date: dayjs('2026-09-01'), amount_minor: 7 }, {}] }, base)).toEqual({ tranches: [{ date: '2026-09-01', amount_minor: 7 }] })
    expect(extrasOf({ method: 'discount', first_due: dayjs('2026-09-13') }, base)).toEqual({ plan: { first_due: '2026-09-13' } })
  })
})
