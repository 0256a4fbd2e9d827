/**
 * The contract with the server, checked by the compiler alone: what a page reads from an endpoint must be
 * what the generated description of that endpoint says. A renamed field breaks the build here, not a page.
 */
import type { Lane, Application, ApplicationDetail } from '../page/credit/applicationTypes'
import type { Case } from '../page/credit/approvalTypes'
import type { Decision, DecisionRow } from '../page/credit/decisionTypes'
import type { ProductDetail, ProductSummary } from '../page/credit/productTypes'
import type { Consent, Division, Firm, Industry, InvoiceRow, Profile, Read, Relation } from '../page/firm/types'
import type { Course, Definition, Distribution, FirmScore, ModelDetail, ModelSummary } from '../page/insight/types'
import type { Batch, Preview } from '../page/intake/types'
import type { Contract } from '../page/lending/contractTypes'
import type { Facility, Instalment, Loan, LoanDetail, LoanEvent, Movement, Statement } from '../page/lending/types'
import type { Optimised, Portfolio, RunMark } from '../page/watch/bookTypes'
import type { LprTable } from '../page/credit/Lpr'
import type { Calendar, DueItem } from '../page/lending/DueCalendar'
import type { Policy } from '../page/receipt/PolicyForm'
import type { BadRow, Count, Receipt, ReceiptDetail, ReceiptFile, ReceiptFileDetail } from '../page/receipt/types'
import type { Signal } from '../page/watch/SignalTable'
import type { Account, Entry } from '../page/books/Journal'
import type { Authority, Colleague } from '../page/admin/Authorities'
import type { Proposal } from '../page/admin/Proposals'
import type { User } from '../page/admin/Users'
import type { Branch, Permission, Role } from '../page/admin/choices'
import type { Task } from '../page/work/Tasks'
import type { Job } from '../shell/JobBar'
import type { Session } from '../shell/session'
import type { Operations } from './schema'

type Get<Path extends string> = `GET /api/v1${Path}` extends keyof Operations ? Operations[`GET /api/v1${Path}`]['answer'] : never
type Post<Path extends string> = `POST /api/v1${Path}` extends keyof Operations ? Operations[`POST /api/v1${Path}`]['answer'] : never
type Rows<T> = { items: T[] | null }

/** Holds when the server's answer can be read as the page's type; `never` would hold for anything, so it is refused. */
type Reads<Server, Page> = [Server] extends [never] ? false : Server extends Page ? true : false
type Hold<T extends true> = T

export type Contracts = [
  Hold<Reads<Get<'/session'>, Session>>,
  Hold<Reads<Get<'/tasks'>, Rows<Task>>>,
  Hold<Reads<Get<'/notifications'>, { unread: number }>>,
  Hold<Reads<Get<'/jobs'>, Rows<Job>>>,
  Hold<Reads<Get<'/search'>, Rows<{ kind: string; id: string; title: string; detail?: string }>>>,
  Hold<Reads<Get<'/users'>, Rows<User>>>,
  Hold<Reads<Get<'/roles'>, Rows<Role>>>,
  Hold<Reads<Get<'/branches'>, Rows<Branch>>>,
  Hold<Reads<Get<'/permissions'>, Rows<Permission>>>,
  Hold<Reads<Get<'/proposals'>, Rows<Proposal>>>,
  Hold<Reads<Get<'/authorities'>, Rows<Authority>>>,
  Hold<Reads<Post<'/authorities'>, Proposal>>,
  Hold<Reads<Post<'/delegations'>, Authority>>,
  Hold<Reads<Get<'/colleagues'>, Rows<Colleague>>>,
  Hold<Reads<Get<'/industries'>, Rows<Industry>>>,
  Hold<Reads<Get<'/regions'>, Rows<Division>>>,
  Hold<Reads<Get<'/firms'>, Rows<Firm>>>,
  Hold<Reads<Get<'/firms/{id}'>, Firm>>,
  Hold<Reads<Get<'/firms/{id}/relations'>, Rows<Relation>>>,
  Hold<Reads<Get<'/firms/{id}/consents'>, Rows<Consent>>>,
  Hold<Reads<Get<'/firms/{id}/reads'>, Rows<Read>>>,
  Hold<Reads<Get<'/firms/{id}/invoices'>, Rows<InvoiceRow>>>,
  Hold<Reads<Get<'/firms/{id}/profile'>, Profile>>,
  Hold<Reads<Get<'/firms/{id}/score'>, FirmScore>>,
  Hold<Reads<Get<'/features'>, { definitions: Definition[] | null }>>,
  Hold<Reads<Get<'/features/{id}/distribution'>, Distribution>>,
  Hold<Reads<Get<'/firms/{id}/features/{feature}'>, Course>>,
  Hold<Reads<Get<'/imports'>, Rows<Batch>>>,
  Hold<Reads<Post<'/imports/preview'>, Preview>>,
  Hold<Reads<Get<'/models'>, Rows<ModelSummary>>>,
  Hold<Reads<Get<'/models/{id}'>, ModelDetail>>,
  Hold<Reads<Get<'/products'>, Rows<ProductSummary>>>,
  Hold<Reads<Get<'/products/{id}'>, ProductDetail>>,
  Hold<Reads<Get<'/decisions'>, Rows<DecisionRow>>>,
  Hold<Reads<Get<'/decisions/{id}'>, Decision>>,
  Hold<Reads<Get<'/applications'>, Rows<Application>>>,
  Hold<Reads<Get<'/applications/board'>, { states: Lane[] | null }>>,
  Hold<Reads<Get<'/applications/{id}'>, ApplicationDetail>>,
  Hold<Reads<Get<'/approvals'>, Rows<Case>>>,
  Hold<Reads<Get<'/facilities'>, Rows<Facility>>>,
  Hold<Reads<Get<'/facilities/{id}'>, Facility & { movements: Movement[] | null }>>,
  Hold<Reads<Post<'/facilities/{id}/drawdowns/preview'>, { schedule: Instalment[] | null }>>,
  Hold<Reads<Get<'/contracts'>, Rows<Contract>>>,
  Hold<Reads<Get<'/loans'>, Rows<Loan>>>,
  Hold<Reads<Get<'/loans/{id}'>, LoanDetail>>,
  Hold<Reads<Get<'/due-calendar'>, Calendar>>,
  Hold<Reads<Get<'/due-items'>, Rows<DueItem>>>,
  Hold<Reads<Get<'/benchmarks/lpr'>, LprTable>>,
  Hold<Reads<Get<'/receipts'>, Rows<Receipt>>>,
  Hold<Reads<Get<'/receipts/{id}'>, ReceiptDetail>>,
  Hold<Reads<Get<'/receipt-files'>, Rows<ReceiptFile>>>,
  Hold<Reads<Get<'/receipt-files/{id}'>, ReceiptFileDetail>>,
  Hold<Reads<Get<'/receipt-files/{id}/bad-rows'>, Rows<BadRow>>>,
  Hold<Reads<Get<'/receipt-policy'>, Policy>>,
  Hold<Reads<Get<'/receipt-summary'>, Rows<Count>>>,
  Hold<Reads<Get<'/loans/{id}/events'>, Rows<LoanEvent>>>,
  Hold<Reads<Get<'/loans/{id}/statement'>, Statement>>,
  Hold<Reads<Get<'/accounts'>, Rows<Account>>>,
  Hold<Reads<Get<'/journal-entries'>, Rows<Entry>>>,
  Hold<Reads<Get<'/signals'>, Rows<Signal>>>,
  Hold<Reads<Get<'/portfolio'>, Portfolio>>,
  Hold<Reads<Get<'/portfolio/optimisations'>, Rows<RunMark>>>,
  Hold<Reads<Post<'/portfolio/optimise'>, Optimised>>,
]
