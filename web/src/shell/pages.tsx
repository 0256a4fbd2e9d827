import type { ComponentType } from 'react'
import type { shellWords } from './words'

type Word = keyof typeof shellWords
type Load = () => Promise<{ default: ComponentType }>

/** One page of the console: where it lives, who may see it, and the chunk that holds it. */
export type PageSpec = { path: string; load: Load; need?: string; menu?: Word }
export type MenuGroup = { title: Word; icon: string; pages: PageSpec[] }

/** The pages in the order of the loop: evidence, insight, credit, lending, watch. */
export const groups: MenuGroup[] = [
  {
    title: 'work',
    icon: 'work',
    pages: [
      { path: '/', menu: 'home', load: () => import('../page/home/Home') },
      { path: '/tasks', menu: 'tasks', load: () => import('../page/work/Tasks') },
      { path: '/notifications', load: () => import('../page/work/Notifications') },
      { path: '/security', load: () => import('../page/admin/Security') },
    ],
  },
]

export const allPages: PageSpec[] = groups.flatMap((group) => group.pages)
