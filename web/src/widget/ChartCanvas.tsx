import { BarChart, GraphChart, LineChart, ScatterChart, type BarSeriesOption, type GraphSeriesOption, type LineSeriesOption, type ScatterSeriesOption } from 'echarts/charts'
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, type GridComponentOption, type LegendComponentOption, type TooltipComponentOption, type DataZoomComponentOption } from 'echarts/components'
import { init, use, type ComposeOption, type ECharts } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

use([LineChart, BarChart, ScatterChart, GraphChart, GridComponent, TooltipComponent, LegendComponent, MarkLineComponent, DataZoomComponent, AriaComponent, SVGRenderer])

export type ChartOption = ComposeOption<LineSeriesOption | BarSeriesOption | ScatterSeriesOption | GraphSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption | DataZoomComponentOption>

// Named, not inherited: the chart measures its texts with it.
const font = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
const palette = ['#0f9d8f', '#d9822b', '#5b6fd6', '#c2477f', '#6a8f2f', '#8a6fc9']

function dressed(option: ChartOption, dark: boolean): ChartOption {
  const ink = dark ? 'rgba(255,255,255,0.72)' : 'rgba(0,0,0,0.65)'
  const line = dark ? 'rgba(255,255,255,0.14)' : 'rgba(0,0,0,0.08)'
  // One series is named by the title of its card.
  const many = Array.isArray(option.series) && (option.series.length > 1 || option.legend !== undefined)
  const axis = (raw: unknown): unknown => (Array.isArray(raw) ? raw.map(axis) : raw ? { axisLabel: { color: ink, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } }, nameTextStyle: { color: ink }, ...(raw as object) } : raw)
  return {
    color: palette,
    backgroundColor: 'transparent',
    textStyle: { color: ink, fontFamily: font },
    animationDuration: 300,
    aria: { enabled: true },
    tooltip: { trigger: 'axis', confine: true, backgroundColor: dark ? '#1f2725' : '#fff', borderColor: line, textStyle: { color: dark ? '#eee' : '#222' } },
    ...option,
    legend: { type: 'scroll', top: 0, show: many, textStyle: { color: ink, fontFamily: font }, ...option.legend },
    grid: { left: 8, right: 16, top: many ? 36 : 20, bottom: 8, containLabel: true, ...option.grid },
    ...(option.xAxis ? { xAxis: axis(option.xAxis) } : {}),
    ...(option.yAxis ? { yAxis: axis(option.yAxis) } : {}),
  } as ChartOption
}

export default function ChartCanvas({ option, dark, height }: { option: ChartOption; dark: boolean; height: number }) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts | null>(null)
  useEffect(() => {
    const made = init(box.current!, null, { renderer: 'svg' })
    chart.current = made
    const watch = new ResizeObserver(() => made.resize())
    watch.observe(box.current!)
    return () => {
      watch.disconnect()
      made.dispose()
      chart.current = null
    }
  }, [])
  useEffect(() => chart.current?.setOption(dressed(option, dark), { notMerge: true }), [option, dark])
  return <div ref={box} style={{ width: '100%', height }} />
}
