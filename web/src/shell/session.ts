import { queryOptions, useQuery } from '@tanstack/react-query'
import { call } from '../api/client'
import { queryClient } from '../api/hooks'
import { Problem } from '../api/problem'

export type Session = {
  institution_id: string
  institution_code: string
  institution_name: string
  institution_name_en: string
  currency: string
  timezone: string
  user_id: string
  login: string
  name: string
  branch_id: string
  branch_name: string
  branch_path: string
  lang: string
  roles: string[]
  permissions: string[]
  totp_enabled: boolean
  must_change: boolean
  demo: boolean
  business_date: string
}

/** The signed-in person, or null. Asked once and kept until sign-in or sign-out changes it. */
export const sessionQuery = queryOptions<Session | null>({
  queryKey: ['/session'],
  staleTime: 60_000,
  queryFn: async () => {
    try {
      return (await call<Session>('GET', '/session')).data
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return null
      throw error
    }
  },
})

export function useSession(): Session {
  const { data } = useQuery(sessionQuery)
  if (!data) throw new Error('no session') // The router admits nobody to a page without one.
  return data
}

export function allows(session: Session | null | undefined, permission: string | undefined): boolean {
  if (!permission) return true
  return session?.permissions?.includes(permission) ?? false
}

/** Whether the signed-in person has the permission: what they cannot do is not offered to them. */
export function useMay(): (permission: string) => boolean {
  const { data } = useQuery(sessionQuery)
  return (permission) => allows(data, permission)
}

/** The institution's business date: forms start from it, not from the clock of the machine. Empty until the session is known. */
export function useBusinessDate(): string {
  return useQuery(sessionQuery).data?.business_date ?? ''
}

export async function refreshSession(): Promise<void> {
  queryClient.clear()
  await queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 })
}
