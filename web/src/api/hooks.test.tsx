import { QueryClientProvider } from '@tanstack/react-query'
import { App } from 'antd'
import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { queryClient, useAction } from './hooks'

declare global { var IS_REACT_ACT_ENVIRONMENT: boolean }
globalThis.IS_REACT_ACT_ENVIRONMENT = true

const fetched = vi.fn<(url: string, init: RequestInit) => Promise<Response>>()
let host: HTMLElement
let root: ReturnType<typeof createRoot>

function Draw() {
  const { run, busy } = useAction()
  return <button disabled={busy} onClick={() => { void run({ path: '/draw', body: { amount_minor: 1 } }) }}>draw</button>
}

beforeEach(async () => {
  vi.stubGlobal('fetch', fetched.mockReset())
  host = document.createElement('div')
  document.body.append(host)
  root = createRoot(host)
  await act(async () => root.render(<QueryClientProvider client={queryClient}><App><Draw /></App></QueryClientProvider>))
})
afterEach(async () => {
  await act(async () => root.unmount())
  host.remove()
  vi.unstubAllGlobals()
})

const button = () => host.querySelector('button')!
const keys = () => fetched.mock.calls.map((one) => (one[1].headers as Record<string, string>)['Idempotency-Key'])
const press = () => act(async () => button().dispatchEvent(new MouseEvent('click', { bubbles: true })))

it('a double click sends one change', async () => {
  let answer: (response: Response) => void = () => undefined
  fetched.mockImplementation(() => new Promise((resolve) => { answer = resolve }))
  await act(async () => {
    button().dispatchEvent(new MouseEvent('click', { bubbles: true }))
    button().dispatchEvent(new MouseEvent('click', { bubbles: true }))
  })
  expect(button().disabled).toBe(true)
  expect(fetched).toHaveBeenCalledTimes(1)
  await act(async () => answer(new Response('{}', { status: 200 })))
  expect(button().disabled).toBe(false)
})

it('an unknown outcome keeps its key, a settled one takes a new key', async () => {
  fetched.mockResolvedValueOnce(new Response('{"title":"broken"}', { status: 500 }))
  await press()
  fetched.mockResolvedValueOnce(new Response('{}', { status: 200 }))
  await press()
  fetched.mockResolvedValueOnce(new Response('{}', { status: 200 }))
  await press()
  const [first, second, third] = keys()
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})
