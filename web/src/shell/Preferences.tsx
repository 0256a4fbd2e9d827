import BgColorsOutlined from '@ant-design/icons/BgColorsOutlined'
import { Button, Dropdown } from 'antd'
import { queryClient } from '../api/hooks'
import { useWords } from '../i18n/words'
import { setPrefs, usePrefs } from '../prefs/store'
import { shellWords } from './words'

/** Switches language. What the server says (names, reasons) is asked again in the new one. */
export function LanguageSwitch() {
  const { lang } = usePrefs()
  const say = useWords(shellWords)
  const next = lang === 'zh' ? 'en' : 'zh'
  const change = () => {
    setPrefs({ lang: next })
    void queryClient.invalidateQueries()
  }
  return (
    <Button type="text" onClick={change} aria-label={say('language')} data-testid="language" lang={next === 'zh' ? 'zh-CN' : 'en'}>
      {next === 'zh' ? '中文' : 'EN'}
    </Button>
  )
}

export function ThemeSwitch() {
  const say = useWords(shellWords)
  const { theme } = usePrefs()
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectable: true,
        selectedKeys: [theme],
        items: (['system', 'light', 'dark'] as const).map((key) => ({ key, label: say(key) })),
        onClick: ({ key }) => setPrefs({ theme: key as 'system' | 'light' | 'dark' }),
      }}
    >
      <Button type="text" icon={<BgColorsOutlined />} aria-label={say('theme')} data-testid="theme" />
    </Dropdown>
  )
}
