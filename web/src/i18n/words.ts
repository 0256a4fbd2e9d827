import { usePrefs, readPrefs } from '../prefs/store'

export type Lang = 'zh' | 'en'

/** A dictionary of one namespace: every key has both languages or it does not compile. */
export type Words = Record<string, readonly [zh: string, en: string]>

type Values = Record<string, string | number>
export type Say<W extends Words> = (key: keyof W & string, values?: Values) => string

/** Declares a dictionary and keeps its keys, so that a misspelt key is a compile error at its use. */
export function words<const W extends Words>(dictionary: W): W {
  return dictionary
}

function fill(text: string, values?: Values): string {
  return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text
}

export function sayIn<W extends Words>(dictionary: W, lang: Lang): Say<W> {
  return (key, values) => fill(dictionary[key]?.[lang === 'zh' ? 0 : 1] ?? key, values)
}

export function useLang(): Lang {
  return usePrefs().lang
}

export function useWords<W extends Words>(dictionary: W): Say<W> {
  return sayIn(dictionary, useLang())
}

/** For code outside React (the API client's own errors). */
export function sayNow<W extends Words>(dictionary: W): Say<W> {
  return sayIn(dictionary, readPrefs().lang)
}

/** Says a code that came from the server; a code this console does not know yet is shown as it is. */
export function sayCode<W extends Words>(dictionary: W, lang: Lang, code: string | undefined): string {
  if (!code) return ''
  const entry = dictionary[code]
  return entry ? entry[lang === 'zh' ? 0 : 1] : code
}
