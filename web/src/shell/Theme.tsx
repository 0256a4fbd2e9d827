import { App, ConfigProvider, theme } from 'antd'
import type { Locale } from 'antd/es/locale'
import enUS from 'antd/es/locale/en_US'
import zhCN from 'antd/es/locale/zh_CN'
import dayjs from 'dayjs'
import 'dayjs/locale/zh-cn'
import { useLayoutEffect, type ReactNode } from 'react'
import { useDark, usePrefs } from '../prefs/store'

const locales: Record<'zh' | 'en', Locale> = { zh: zhCN, en: enUS }
const FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"

/** Language and appearance for everything below: antd, dayjs, and the document itself. */
export function Theme({ children }: { children: ReactNode }) {
  const { lang, density } = usePrefs()
  const dark = useDark()
  dayjs.locale(lang === 'zh' ? 'zh-cn' : 'en')
  useLayoutEffect(() => {
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light'
    document.body.style.background = dark ? '#0b0f0e' : '#f4f6f6'
  }, [lang, dark])
  return (
    <ConfigProvider
      locale={locales[lang]}
      componentSize={density === 'small' ? 'small' : 'middle'}
      theme={{
        algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        token: { colorPrimary: dark ? '#2aa198' : '#0f766e', colorInfo: dark ? '#2aa198' : '#0f766e', colorLink: dark ? '#4cc2b6' : '#0b6b63', borderRadius: 8, fontFamily: FONT, ...(dark ? {} : { colorPrimaryBg: '#e4f4f1', colorPrimaryBgHover: '#d0ebe6', colorInfoBg: '#e4f4f1', colorInfoBorder: '#a6d8d0' }) },
        components: { Layout: { headerHeight: 56, headerPadding: '0 16px' } },
      }}
    >
      <App notification={{ maxCount: 4 }} message={{ maxCount: 3 }} style={{ height: '100%' }}>
        {children}
      </App>
    </ConfigProvider>
  )
}
