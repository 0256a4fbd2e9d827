import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setPrefs } from '../prefs/store'
import { call, onSignedOut, send, urlOf } from './client'
import { Problem } from './problem'

const fetched = vi.fn<(url: string, init: RequestInit) => Promise<Response>>()
beforeEach(() => {
  fetched.mockReset()
  vi.stubGlobal('fetch', fetched)
  setPrefs({ lang: 'zh' })
})
afterEach(() => vi.unstubAllGlobals())

const json = (status: number, body: unknown, headers: Record<string, string> = {}) => new Response(JSON.stringify(body), { status, headers })
const sentHeaders = (at: number) => fetched.mock.calls[at]![1].headers as Record<string, string>
const noWait = () => Promise.resolve()

describe('call', () => {
  it('says its language and returns data and version', async () => {
    fetched.mockResolvedValue(json(200, { id: 'firm_1' }, { ETag: '"7"' }))
    expect(await call('GET', '/firms/firm_1', { query: { q: '茶 & 酒', none: undefined } })).toEqual({ data: { id: 'firm_1' }, etag: '"7"' })
    expect(fetched.mock.calls[0]![0]).toBe('/api/v1/firms/firm_1?q=%E8%8C%B6+%26+%E9%85%92')
    expect(sentHeaders(0)['Accept-Language']).toBe('zh-CN')
  })
  it('turns an RFC 9457 body into a problem with fields, rows and remedy', async () => {
    fetched.mockResolvedValue(json(422, { title: '金额超过额度', status: 422, code: 'LIMIT_EXCEEDED', remedy: '减少金额', errors: [{ field: 'amount_minor', row: 3, code: 'X', message: '太大' }, { row: 0, message: '无行号' }] }))
    const problem = await call('POST', '/x', { body: {} }).catch((error: unknown) => error as Problem)
    expect(problem).toMatchObject({ status: 422, code: 'LIMIT_EXCEEDED', message: '金额超过额度', remedy: '减少金额', items: [{ field: 'amount_minor', row: 3, message: '太大' }, { message: '无行号' }] })
  })
  it('survives a body that is not JSON', async () => {
    fetched.mockResolvedValue(new Response('<html>bad gateway</html>', { status: 502 }))
    await expect(call('GET', '/x')).rejects.toMatchObject({ status: 502 })
  })
  it('tells when the session ended, but not for the question who is signed in', async () => {
    const ended = vi.fn()
    const stop = onSignedOut(ended)
    fetched.mockImplementation(() => Promise.resolve(json(401, { title: 'no' })))
    await call('GET', '/session').catch(() => undefined)
    expect(ended).not.toHaveBeenCalled()
    await call('GET', '/firms').catch(() => undefined)
    expect(ended).toHaveBeenCalledOnce()
    stop()
  })
})

describe('send', () => {
  it('tries again with the same key while the outcome is unknown', async () => {
    fetched.mockRejectedValueOnce(new TypeError('network')).mockResolvedValueOnce(json(503, { title: 'busy' })).mockResolvedValueOnce(json(200, { ok: true }))
    expect((await send('POST', '/loans', { body: { a: 1 }, key: 'k1' }, noWait)).data).toEqual({ ok: true })
    expect([0, 1, 2].map((at) => sentHeaders(at)['Idempotency-Key'])).toEqual(['k1', 'k1', 'k1'])
  })
  it('never repeats what was refused, and gives up in the end', async () => {
    fetched.mockImplementation(() => Promise.resolve(json(409, { title: 'no' })))
    await expect(send('POST', '/loans', { key: 'k' }, noWait)).rejects.toMatchObject({ status: 409 })
    expect(fetched).toHaveBeenCalledTimes(1)
    fetched.mockReset().mockRejectedValue(new TypeError('network'))
    await expect(send('POST', '/loans', { key: 'k' }, noWait)).rejects.toMatchObject({ offline: true })
    expect(fetched).toHaveBeenCalledTimes(4)
  })
})

it('leaves empty filters out of an address', () => expect(urlOf('/firms', { a: '', b: 0, c: undefined, d: false })).toBe('/api/v1/firms?b=0&d=false'))
