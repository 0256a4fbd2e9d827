import { Skeleton } from 'antd'
import { lazy, Suspense } from 'react'
import { useDark } from '../prefs/store'
import type { ChartOption } from './ChartCanvas'

const Canvas = lazy(() => import('./ChartCanvas'))
export type { ChartOption }

/** A chart. ECharts is fetched when the first one is shown; the label is what a screen reader says. */
export function Chart({ option, height = 260, label }: { option: ChartOption; height?: number; label: string }) {
  const dark = useDark()
  return (
    <div role="img" aria-label={label} style={{ width: '100%', height, minWidth: 0 }}>
      <Suspense fallback={<Skeleton.Node active style={{ width: '100%', height: height - 8 }} />}>
        <Canvas option={option} dark={dark} height={height} />
      </Suspense>
    </div>
  )
}
