// Package fault is the error model of the whole system. Every failure that a caller can do
// something about carries a stable Reason, metadata, and a remedy in Chinese and English; the
// Kind of a reason decides the HTTP status in one place. Anything else is internal: it is
// logged with its cause and shown only as an internal error.
package fault

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Kind groups reasons by what the caller should do next.
type Kind int

// The kinds; Status maps each to its HTTP status.
const (
	Internal Kind = iota
	BadRequest
	Invalid
	Unauthenticated
	Forbidden
	NotFound
	Conflict
	Precondition
	TooLarge
	TooMany
	Unavailable
)

// Status is the one exhaustive mapping from kind to HTTP status.
func (k Kind) Status() int {
	switch k { //exhaustive:enforce
	case BadRequest:
		return 400
	case Invalid:
		return 422
	case Unauthenticated:
		return 401
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case Precondition:
		return 412
	case TooLarge:
		return 413
	case TooMany:
		return 429
	case Unavailable:
		return 503
	case Internal:
		return 500
	}
	return 500
}

// Text is a sentence in the two languages of the product.
type Text struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// In returns the sentence in lang ("zh..." gives Chinese, anything else English).
func (t Text) In(lang string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return t.Zh
	}
	return t.En
}

// Reason is a stable, client-facing identifier (UPPER_SNAKE_CASE) with its texts.
type Reason struct {
	Code    string `json:"code"`
	Kind    Kind   `json:"-"`
	Message Text   `json:"message"`
	Remedy  Text   `json:"remedy"`
}

var catalogue = struct {
	sync.Mutex
	byCode map[string]*Reason
}{byCode: map[string]*Reason{}}

// Declare adds a reason to the catalogue; texts may hold {key} placeholders filled from metadata.
// Declaring one code twice is a programming error and panics at start.
func Declare(code string, kind Kind, zh, en, remedyZh, remedyEn string) *Reason {
	catalogue.Lock()
	defer catalogue.Unlock()
	if _, dup := catalogue.byCode[code]; dup {
		panic("fault: reason declared twice: " + code)
	}
	r := &Reason{Code: code, Kind: kind, Message: Text{zh, en}, Remedy: Text{remedyZh, remedyEn}}
	catalogue.byCode[code] = r
	return r
}

// Reasons lists the catalogue ordered by code.
func Reasons() []*Reason {
	catalogue.Lock()
	defer catalogue.Unlock()
	out := make([]*Reason, 0, len(catalogue.byCode))
	for _, r := range catalogue.byCode {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// Reasons every package may use.
var (
	ReasonInternal = Declare("INTERNAL", Internal, "系统内部错误", "Internal error",
		"请稍后重试；若持续出现，请把请求编号告知管理员", "Retry later; if it persists give the request id to your administrator")
	ReasonInvalid = Declare("INVALID_FIELD", Invalid, "字段 {field} 无效：{problem}", "Field {field} is invalid: {problem}",
		"按提示修改该字段后重试", "Correct the field as described and retry")
	ReasonRequired = Declare("FIELD_REQUIRED", Invalid, "缺少必填字段 {field}", "Field {field} is required",
		"填写该字段后重试", "Fill in the field and retry")
	ReasonNotFound = Declare("NOT_FOUND", NotFound, "找不到 {object} {id}", "{object} {id} was not found",
		"检查编号，或确认您有权查看", "Check the identifier, or that you may see it")
	ReasonConflict = Declare("CONFLICT", Conflict, "{object} 已被他人更改或状态不允许该操作：{problem}", "{object} changed meanwhile or its state forbids this: {problem}",
		"刷新后再试", "Reload and try again")
	ReasonForbidden = Declare("FORBIDDEN", Forbidden, "没有权限：{permission}", "Permission missing: {permission}",
		"请管理员为您的角色授予该权限", "Ask an administrator to grant this permission to your role")
	ReasonUnauthenticated = Declare("UNAUTHENTICATED", Unauthenticated, "未登录或会话已失效", "Not signed in, or the session has ended",
		"请重新登录", "Sign in again")
	ReasonStale = Declare("STALE_VERSION", Precondition, "数据已更新（当前版本 {version}）", "The data has changed (current version {version})",
		"刷新页面，核对后重新提交", "Reload, check, and submit again")
	ReasonTooMany = Declare("TOO_MANY_REQUESTS", TooMany, "请求过于频繁", "Too many requests",
		"请在 {seconds} 秒后重试", "Retry after {seconds} seconds")
	ReasonTooLarge = Declare("TOO_LARGE", TooLarge, "{what} 超过上限 {limit}", "{what} exceeds the limit of {limit}",
		"减小后重试", "Make it smaller and retry")
	ReasonUnavailable = Declare("UNAVAILABLE", Unavailable, "{what} 暂不可用", "{what} is unavailable",
		"请稍后重试", "Retry later")
)

// Error is a failure with a reason. It is immutable once built; With... methods return copies.
type Error struct {
	Reason *Reason
	Meta   map[string]string
	Field  string
	Row    int
	cause  error
}

// New makes an error of the given reason; kv are alternating metadata keys and values.
func New(r *Reason, kv ...any) *Error {
	e := &Error{Reason: r, Meta: map[string]string{}}
	for i := 0; i+1 < len(kv); i += 2 {
		e.Meta[fmt.Sprint(kv[i])] = fmt.Sprint(kv[i+1])
	}
	return e
}

// Field makes an INVALID_FIELD error for one field with the problem in both languages.
func Field(field, problemZh, problemEn string) *Error {
	e := New(ReasonInvalid, "field", field)
	e.Field = field
	e.Meta["problem"], e.Meta["problem_zh"] = problemEn, problemZh
	return e
}

// Required makes a FIELD_REQUIRED error.
func Required(field string) *Error {
	e := New(ReasonRequired, "field", field)
	e.Field = field
	return e
}

// nouns are the objects of NotFoundError in Chinese; one that is missing is named in English.
var nouns = map[string]string{
	"api key": "密钥", "application": "申请", "approval": "审批", "audit record": "审计记录", "authority": "权限额度", "branch": "网点", "consent": "授权书", "consumer": "消费者",
	"contract": "合同", "dead letter": "死信", "decision": "决策", "delegation": "转授权", "delivery": "推送", "end of day": "日终", "entry": "条目", "facility": "额度",
	"feature": "指标", "file": "文件", "firm": "企业", "hold": "冻结", "import": "导入", "institution": "机构", "job": "任务", "journal entry": "分录", "loan": "贷款", "model": "模型",
	"notification": "通知", "optimisation": "优化", "payment order": "付款指令", "product": "产品", "product version": "产品版本", "profile": "画像", "proposal": "复核事项",
	"receipt": "来款", "receipt file": "来款文件", "recipe": "记账规则", "relation": "关联", "role": "角色", "score": "评分", "session": "会话", "signal": "预警", "sum": "汇总",
	"task": "待办", "template": "模板", "user": "用户", "webhook": "推送地址",
}

// NotFoundError is the usual "no such object" error.
func NotFoundError(object, id string) *Error {
	zh := nouns[object]
	if zh == "" {
		zh = object
	}
	return New(ReasonNotFound, "object", object, "object_zh", zh, "id", id)
}

// WithField names the input field at fault.
func (e *Error) WithField(f string) *Error { c := *e; c.Field = f; return &c }

// WithRow names the row (1-based, as a person counts lines in the file) at fault.
func (e *Error) WithRow(n int) *Error { c := *e; c.Row = n; return &c }

// Wrap keeps the underlying cause for the log; it is never shown to callers.
func (e *Error) Wrap(err error) *Error { c := *e; c.cause = err; return &c }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Error is the English sentence with its code.
func (e *Error) Error() string {
	s := e.Reason.Code + ": " + e.Text("en")
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Text is the message in lang with its metadata filled in.
func (e *Error) Text(lang string) string { return e.fill(e.Reason.Message.In(lang), lang) }

// RemedyText says what to do next in lang.
func (e *Error) RemedyText(lang string) string { return e.fill(e.Reason.Remedy.In(lang), lang) }

func (e *Error) fill(s, lang string) string {
	if !strings.Contains(s, "{") {
		return s
	}
	zh := strings.HasPrefix(strings.ToLower(lang), "zh")
	for k, v := range e.Meta {
		if zh {
			if z, ok := e.Meta[k+"_zh"]; ok {
				v = z
			}
		}
		s = strings.ReplaceAll(s, "{"+k+"}", v)
	}
	return s
}

// Is reports whether err, or any error it wraps or joins, carries the reason.
func Is(err error, r *Reason) bool {
	for _, e := range All(err) {
		if e.Reason == r {
			return true
		}
	}
	return false
}

// As returns the first fault in err, if any.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Join collects several errors (nil ones are left out), for forms that report every bad field.
func Join(errs ...error) error { return errors.Join(errs...) }

// All flattens err into its faults, in order.
func All(err error) []*Error {
	if err == nil {
		return nil
	}
	var out []*Error
	switch x := err.(type) { //nolint:errorlint // walks the tree itself
	case *Error:
		out = append(out, x)
		out = append(out, All(x.cause)...)
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			out = append(out, All(e)...)
		}
	case interface{ Unwrap() error }:
		out = append(out, All(x.Unwrap())...)
	}
	return out
}
