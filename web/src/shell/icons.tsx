import AuditOutlined from '@ant-design/icons/AuditOutlined'
import BankOutlined from '@ant-design/icons/BankOutlined'
import BookOutlined from '@ant-design/icons/BookOutlined'
import DatabaseOutlined from '@ant-design/icons/DatabaseOutlined'
import ExperimentOutlined from '@ant-design/icons/ExperimentOutlined'
import EyeOutlined from '@ant-design/icons/EyeOutlined'
import HomeOutlined from '@ant-design/icons/HomeOutlined'
import SettingOutlined from '@ant-design/icons/SettingOutlined'
import type { ReactNode } from 'react'

// Icons are imported one by one: the package's index would bring every icon into the first load.
const icons: Record<string, ReactNode> = {
  work: <HomeOutlined />,
  evidence: <DatabaseOutlined />,
  insight: <ExperimentOutlined />,
  credit: <AuditOutlined />,
  lending: <BankOutlined />,
  books: <BookOutlined />,
  watch: <EyeOutlined />,
  admin: <SettingOutlined />,
}

export function menuIcon(name: string): ReactNode {
  return icons[name]
}

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0f766e" />
      <path d="M5 17h5l3-8 5 15 3.5-9H27" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  )
}
