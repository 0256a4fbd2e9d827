import { expect, it } from 'vitest'
import { sayIn, words, type Words } from './words'

const modules = import.meta.glob<Record<string, unknown>>(['../**/*[wW]ords.ts', '!./words.ts'], { eager: true })
const dictionaries = Object.entries(modules).flatMap(([file, exported]) => Object.entries(exported).map(([name, dictionary]) => [`${file} ${name}`, dictionary as Words] as const))

// Words that are the same in both languages: names of measures and standards.
const universal = /^(AUC|KS|Brier|WOE|IV|PD|LGD|CSV|XLSX|PDF|ROC|URL|TOTP|LPR|ID|CEL|API|IP|USCC|[A-Z]|\{\w+\}( \/ \{\w+\})?)$/

it('finds the dictionaries', () => expect(dictionaries.length).toBeGreaterThan(5))

it.each(dictionaries)('%s says everything in both languages', (_, dictionary) => {
  for (const [key, [zh, en]] of Object.entries(dictionary)) {
    expect(zh.trim(), key).not.toBe('')
    expect(en.trim(), key).not.toBe('')
    if (!universal.test(en)) expect(zh, `${key} is not in Chinese`).toMatch(/\p{Script=Han}/u)
    expect(en, `${key} is not in English`).not.toMatch(/\p{Script=Han}/u)
    const slots = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()
    expect(slots(en), `${key}: the languages name different values`).toEqual(slots(zh))
  }
})

it('fills values and keeps an unknown slot visible', () => {
  const say = sayIn(words({ hello: ['你好 {name}，{other}', 'Hello {name}, {other}'] }), 'en')
  expect(say('hello', { name: 'A' })).toBe('Hello A, {other}')
})
