package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bar shows progress on a terminal in one line, and in a few lines elsewhere.
type bar struct {
	w     io.Writer
	name  string
	start time.Time
	last  time.Time
	tty   bool
	shown bool
}

func newBar(w io.Writer, name string) *bar {
	b := &bar{w: w, name: name, start: time.Now()}
	if f, ok := w.(*os.File); ok {
		st, err := f.Stat()
		b.tty = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return b
}

const barWidth = 24

func (b *bar) set(done, total int64) {
	now := time.Now()
	pause := 100 * time.Millisecond
	if !b.tty {
		pause = 5 * time.Second
	}
	if now.Sub(b.last) < pause && done < total {
		return
	}
	b.last = now
	if total <= 0 {
		b.line(fmt.Sprintf("%s  %d", b.name, done))
		return
	}
	full := int(min(done, total) * barWidth / total)
	eta := ""
	if done > 0 && done < total {
		left := time.Duration(float64(now.Sub(b.start)) * float64(total-done) / float64(done))
		eta = "  " + left.Round(time.Second).String()
	}
	b.line(fmt.Sprintf("%s  [%s%s] %3d%%%s", b.name, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), min(done, total)*100/total, eta))
}

func (b *bar) line(s string) {
	if b.tty {
		fmt.Fprintf(b.w, "\r\x1b[2K%s", s)
		b.shown = true
		return
	}
	fmt.Fprintln(b.w, s)
}

func (b *bar) end() {
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[2K")
	}
}
