package iso20022

import (
	"io"
	"strings"
)

// Messages of payment status that are read.
const (
	Pain002V03 = "pain.002.001.03"
	Pain002V10 = "pain.002.001.10"
)

// Status is a status code of a message, a payment or a transaction.
type Status string

// Codes that mean something to us; the others are on the way.
const (
	StatusReceived  Status = "RCVD"
	StatusChecked   Status = "ACTC"
	StatusAccepted  Status = "ACCP"
	StatusSettling  Status = "ACSP"
	StatusSettled   Status = "ACSC"
	StatusCredited  Status = "ACCC"
	StatusChanged   Status = "ACWC"
	StatusPending   Status = "PDNG"
	StatusPartly    Status = "PART"
	StatusRejected  Status = "RJCT"
	StatusCancelled Status = "CANC"
)

// known are the codes of the external code set that are read.
var known = map[Status]bool{
	StatusReceived: true, StatusChecked: true, StatusAccepted: true, StatusSettling: true, StatusSettled: true, StatusCredited: true,
	StatusChanged: true, StatusPending: true, StatusPartly: true, StatusRejected: true, StatusCancelled: true,
}

// Executed reports that the money has left for good.
func (s Status) Executed() bool { return s == StatusSettled || s == StatusCredited }

// Refused reports that the money will never leave.
func (s Status) Refused() bool { return s == StatusRejected || s == StatusCancelled }

// Verdict is a status with why.
type Verdict struct {
	Status    Status
	Reason    string // code, for instance AM04
	Info      string
	Reference string // AcctSvcrRef
}

// Report is a status report about one message.
type Report struct {
	Message           string
	ID                string
	OriginalMessageID string
	Group             Verdict
	// Payments and Transactions by the original PmtInfId and EndToEndId.
	Payments     map[string]Verdict
	Transactions map[string]Verdict
}

// Of is what the report says about a transaction: its own verdict, that of its
// payment, or that of the message when it settles or refuses all of it. False
// when the report does not speak about it.
func (r Report) Of(endToEndID, paymentID string) (Verdict, bool) {
	if v, ok := r.Transactions[endToEndID]; ok && v.Status != "" {
		return v, true
	}
	if v, ok := r.Payments[paymentID]; ok && v.Status != "" && v.Status != StatusPartly {
		return v, true
	}
	return r.Group, r.Group.Status != "" && r.Group.Status != StatusPartly
}

// ReadStatus reads a pain.002 message.
func ReadStatus(r io.Reader, l Limits) (Report, error) {
	out := Report{Payments: map[string]Verdict{}, Transactions: map[string]Verdict{}}
	d, name, err := open(r, l, Pain002V03, Pain002V10)
	if err != nil {
		return out, err
	}
	out.Message = name
	start, ok, err := d.child("Document")
	if err != nil {
		return out, err
	}
	if !ok || start.Name.Local != "CstmrPmtStsRpt" {
		return out, d.fail("Document", "缺少 CstmrPmtStsRpt", "CstmrPmtStsRpt is missing")
	}
	for {
		start, more, err := d.child("CstmrPmtStsRpt")
		if err != nil {
			return out, err
		}
		if !more {
			break
		}
		n, err := d.tree(start)
		if err != nil {
			return out, err
		}
		if bad := out.part(n); bad != nil {
			return out, bad
		}
	}
	if out.ID == "" || out.OriginalMessageID == "" {
		return out, d.fail("CstmrPmtStsRpt", "缺少 MsgId 或 OrgnlMsgId", "MsgId or OrgnlMsgId is missing")
	}
	return out, d.end()
}

func (r *Report) part(n *node) (bad *Error) {
	switch n.name {
	case "GrpHdr":
		r.ID, bad = need(n, n.name, max35, "MsgId")
	case "OrgnlGrpInfAndSts":
		if r.OriginalMessageID, bad = need(n, n.name, max35, "OrgnlMsgId"); bad == nil {
			r.Group, bad = verdict(n, n.name, "GrpSts")
		}
	case "OrgnlPmtInfAndSts":
		return r.payment(n)
	}
	return bad
}

func (r *Report) payment(n *node) *Error {
	id, bad := need(n, n.name, max35, "OrgnlPmtInfId")
	if bad != nil {
		return bad
	}
	if r.Payments[id], bad = verdict(n, n.name, "PmtInfSts"); bad != nil {
		return bad
	}
	for i, t := range n.all("TxInfAndSts") {
		path := index(n.name, t.name, i+1)
		end, bad := need(t, path, max35, "OrgnlEndToEndId")
		if bad != nil {
			return bad
		}
		v, bad := verdict(t, path, "TxSts")
		if bad != nil {
			return bad
		}
		if _, twice := r.Transactions[end]; twice {
			return &Error{Line: t.line, Path: path, Zh: "同一笔出现两次", En: "one transaction stands there twice"}
		}
		r.Transactions[end] = v
	}
	return nil
}

func verdict(n *node, path, name string) (Verdict, *Error) {
	v := Verdict{Status: Status(n.str(name)), Reference: n.str("AcctSvcrRef")}
	if v.Status != "" && !known[v.Status] {
		return v, &Error{Line: n.line, Path: path + "/" + name, Zh: "状态 " + string(v.Status) + " 未知", En: "status " + string(v.Status) + " is not known"}
	}
	var info []string
	for _, why := range n.all("StsRsnInf") {
		if code := firstOf(why.at("Rsn", "Cd"), why.at("Rsn", "Prtry")); code != nil && v.Reason == "" {
			v.Reason = code.text
		}
		for _, more := range why.all("AddtlInf") {
			info = append(info, more.text)
		}
	}
	v.Info = strings.Join(info, " ")
	return v, nil
}
