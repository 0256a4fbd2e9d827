import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The development server proxies the API to a running `capillary serve`, so that cookies and the
// same-origin check behave as they do in the embedded build.
const server = 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: { '/api': server, '/openapi.json': server, '/docs': server },
  },
  build: {
    outDir: 'dist',
    manifest: true,
    // Browsers of bank branches lag; these are the oldest that have everything React 19 needs.
    target: ['chrome107', 'edge107', 'firefox115', 'safari16'],
    chunkSizeWarningLimit: 1200,
    sourcemap: false,
  },
})
