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
  {
    title: 'evidence',
    icon: 'evidence',
    pages: [
      { path: '/firms', menu: 'firms', need: 'firm.read', load: () => import('../page/firm/Firms') },
      { path: '/firms/$id', need: 'firm.read', load: () => import('../page/firm/Firm') },
      { path: '/imports', menu: 'imports', need: 'evidence.import', load: () => import('../page/intake/Imports') },
      { path: '/imports/new', need: 'evidence.import', load: () => import('../page/intake/ImportWizard') },
      { path: '/imports/$id', need: 'evidence.import', load: () => import('../page/intake/ImportPage') },
    ],
  },
  {
    title: 'insight',
    icon: 'insight',
    pages: [
      { path: '/features', menu: 'features', load: () => import('../page/insight/Features') },
      { path: '/features/$id', load: () => import('../page/insight/Feature') },
      { path: '/models', menu: 'models', need: 'model.read', load: () => import('../page/insight/Models') },
      { path: '/models/$id', need: 'model.read', load: () => import('../page/insight/Model') },
    ],
  },
  {
    title: 'credit',
    icon: 'credit',
    pages: [
      { path: '/products', menu: 'products', load: () => import('../page/credit/Products') },
      { path: '/products/$id', load: () => import('../page/credit/Product') },
      { path: '/applications', menu: 'applications', need: 'application.read', load: () => import('../page/credit/Applications') },
      { path: '/applications/$id', need: 'application.read', load: () => import('../page/credit/ApplicationPage') },
      { path: '/approvals', menu: 'approvals', need: 'approval.read', load: () => import('../page/credit/Approvals') },
      { path: '/approvals/$id', need: 'approval.read', load: () => import('../page/credit/ApprovalPage') },
      { path: '/decisions', menu: 'decisions', need: 'decision.read', load: () => import('../page/credit/Decisions') },
      { path: '/decisions/$id', need: 'decision.read', load: () => import('../page/credit/DecisionPage') },
      { path: '/lpr', menu: 'lpr', load: () => import('../page/credit/Lpr') },
    ],
  },
  {
    title: 'lending',
    icon: 'lending',
    pages: [
      { path: '/facilities', menu: 'facilities', need: 'facility.read', load: () => import('../page/lending/Facilities') },
      { path: '/facilities/$id', need: 'facility.read', load: () => import('../page/lending/Facility') },
      { path: '/contracts', menu: 'contracts', need: 'contract.read', load: () => import('../page/lending/Contracts') },
      { path: '/contracts/$id', need: 'contract.read', load: () => import('../page/lending/ContractPage') },
      { path: '/loans', menu: 'loans', need: 'loan.read', load: () => import('../page/lending/Loans') },
      { path: '/loans/$id', need: 'loan.read', load: () => import('../page/lending/LoanPage') },
      { path: '/repayment-calendar', menu: 'dueCalendar', need: 'loan.read', load: () => import('../page/lending/DueCalendar') },
      { path: '/ageing', menu: 'ageing', need: 'loan.read', load: () => import('../page/lending/Ageing') },
      { path: '/receipts', menu: 'receipts', need: 'receipt.read', load: () => import('../page/receipt/Receipts') },
      { path: '/receipts/files/$id', need: 'receipt.read', load: () => import('../page/receipt/ReceiptFilePage') },
      { path: '/receipts/$id', need: 'receipt.read', load: () => import('../page/receipt/ReceiptPage') },
      { path: '/calculator', menu: 'calculator', need: 'loan.read', load: () => import('../page/lending/Calculator') },
    ],
  },
  {
    title: 'books',
    icon: 'books',
    pages: [
      { path: '/accounts', menu: 'accounts', need: 'journal.read', load: () => import('../page/books/Accounts') },
      { path: '/accounts/$id', need: 'journal.read', load: () => import('../page/books/AccountPage') },
      { path: '/journal', menu: 'journal', need: 'journal.read', load: () => import('../page/books/Journal') },
      { path: '/journal/$id', need: 'journal.read', load: () => import('../page/books/EntryPage') },
      { path: '/trial-balance', menu: 'trialBalance', need: 'journal.read', load: () => import('../page/books/TrialBalance') },
      { path: '/statements', menu: 'statements', need: 'journal.read', load: () => import('../page/books/Statements') },
      { path: '/vouchers', menu: 'vouchers', need: 'journal.read', load: () => import('../page/books/Vouchers') },
      { path: '/periods', menu: 'periods', need: 'journal.read', load: () => import('../page/books/Periods') },
      { path: '/recipes', menu: 'recipes', need: 'journal.read', load: () => import('../page/books/Recipes') },
      { path: '/exchange', menu: 'exchange', need: 'journal.read', load: () => import('../page/books/Exchange') },
      { path: '/eod', menu: 'eod', need: 'loan.read', load: () => import('../page/books/Eod') },
    ],
  },
  {
    title: 'watch',
    icon: 'watch',
    pages: [
      { path: '/signals', menu: 'signals', need: 'signal.read', load: () => import('../page/watch/Signals') },
      { path: '/portfolio', menu: 'portfolio', need: 'portfolio.read', load: () => import('../page/watch/Portfolio') },
      { path: '/portfolio/optimiser', menu: 'optimiser', need: 'portfolio.optimise', load: () => import('../page/watch/Optimiser') },
    ],
  },
  {
    title: 'admin',
    icon: 'admin',
    pages: [
      { path: '/users', menu: 'users', need: 'user.read', load: () => import('../page/admin/Users') },
      { path: '/roles', menu: 'roles', load: () => import('../page/admin/Roles') },
      { path: '/branches', menu: 'branches', load: () => import('../page/admin/Branches') },
      { path: '/authorities', menu: 'authorities', load: () => import('../page/admin/Authorities') },
      { path: '/api-keys', menu: 'keys', load: () => import('../page/admin/Keys') },
      { path: '/proposals', menu: 'proposals', load: () => import('../page/admin/Proposals') },
      { path: '/audit', menu: 'audit', need: 'audit.read', load: () => import('../page/admin/Audit') },
      { path: '/jobs', menu: 'jobs', load: () => import('../page/admin/Jobs') },
      { path: '/webhooks', menu: 'webhooks', need: 'webhook.read', load: () => import('../page/admin/Webhooks') },
      { path: '/dead-letters', menu: 'deadLetters', need: 'event.read', load: () => import('../page/admin/DeadLetters') },
    ],
  },
]
