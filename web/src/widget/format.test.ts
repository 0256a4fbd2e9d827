import { describe, expect, it } from 'vitest'
import { csvCell, duration, money, moneyShort, parseMoney, parsePercent, percent } from './format'

describe('money', () => {
  it.each([
    [0, '¥0.00'], [5, '¥0.05'], [-5, '−¥0.05'], [123456, '¥1,234.56'], [100_000_000_00, '¥100,000,000.00'], ['9007199254740993', '¥90,071,992,547,409.93'],
  ])('%s minor units read %s', (minor, want) => expect(money(minor)).toBe(want))
  it('knows currencies without cents and a missing amount', () => {
    expect(money(1234, 'JPY')).toBe('JP¥1,234')
    expect(money(undefined)).toBe('—')
    expect(moneyShort(123456789, 'zh')).toBe('¥123.46万')
    expect([moneyShort(101060, 'zh'), moneyShort(101060, 'en'), moneyShort(-5, 'en')]).toEqual(['¥1,010.60', '¥1.01K', '−¥0.05'])
  })
  it('reads back everything it writes', () => {
    for (let n = 0; n < 2000; n++) {
      const minor = Math.floor(Math.random() * 1e13) - 5e12
      const text = money(minor, 'CNY', false).replace('−', '-')
      expect(parseMoney(text)).toBe(minor)
    }
  })
  it.each(['', 'abc', '1.234', '1e5', '--1', '1.2.3', '1,50', '100,5', '1,2345', '1.234,56', '1.5,0'])('refuses %j', (text) => expect(parseMoney(text)).toBeUndefined())
  it('accepts what people type', () => expect(['1,234.5', '¥100', '1，000', '54,55.30'].map((text) => parseMoney(text))).toEqual([123450, 10000, 100000, 545530]))
})

describe('rates', () => {
  it.each([['0.0435', '4.35%'], ['0.04', '4.00%'], ['1', '100.00%'], ['0', '0.00%'], ['0.00041', '0.041%'], ['-0.0025', '−0.25%'], ['12.5', '1250.00%']])('%s reads %s', (rate, want) => expect(percent(rate)).toBe(want))
  it.each([['4.35', '0.0435'], ['15', '0.15'], ['100', '1'], ['0.5', '0.005'], ['4.35%', '0.0435'], ['1250', '12.5']])('typed %s is %s', (text, want) => expect(parsePercent(text)).toBe(want))
  it('has no floating-point dust', () => {
    for (let n = 0; n <= 10_000; n++) {
      const typed = (n / 100).toFixed(2)
      expect(percent(parsePercent(typed)!)).toBe(`${typed}%`)
    }
  })
  it.each(['', 'x', '-1', '1.2345678'])('refuses %j', (text) => expect(parsePercent(text)).toBeUndefined())
})

describe('csv', () => {
  it.each([['plain', 'plain'], ['a,b', '"a,b"'], ['say "hi"', '"say ""hi"""'], ['=1+1', "'=1+1"], ['@x', "'@x"], ['−¥5', "'-¥5"], ['-1,234.50', '"-1,234.50"'], ['-12%', '-12%']])('%j becomes %j', (value, want) => expect(csvCell(value)).toBe(want))
})

it('says durations', () => {
  expect(duration(75, 'en')).toBe('1 min 15 s')
  expect(duration(9.4, 'zh')).toBe('9 秒')
})
