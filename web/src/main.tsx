import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onSignedOut } from './api/client'
import { queryClient } from './api/hooks'
import { router } from './shell/router'
import { sessionQuery } from './shell/session'
import { Theme } from './shell/Theme'

// A session that ends while a page is open leads to the login page, and back afterwards.
onSignedOut(() => {
  if (router.state.location.pathname === '/login') return
  queryClient.setQueryData(sessionQuery.queryKey, null)
  const next = router.state.location.href
  void router.navigate({ href: `/login?ended=1&next=${encodeURIComponent(next)}` })
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Theme>
        <RouterProvider router={router} />
      </Theme>
    </QueryClientProvider>
  </StrictMode>,
)
