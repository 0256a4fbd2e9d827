// Package powerloss is a disk that keeps only what was synced. It is mounted by FUSE under a database; at a power
// cut everything that was written and not yet synced is gone, or, as on real disks, some of it has arrived and the
// rest has not. What had been acknowledged before the cut must be found on what is left.
package powerloss

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// sector is the unit in which an unsynced write arrives or does not.
const sector = 4096

// Disk is one folder of files in memory, each as the program sees it and as the platter has it.
type Disk struct {
	mu      sync.Mutex
	cut     bool
	lies    bool
	names   map[string]*file // as the program sees them
	durable map[string]*file // names that survive
	syncs   int
	writes  int
}

// file is one file: its contents now, its contents on the platter, and the writes between the two.
type file struct {
	now     []byte
	platter []byte
	pending []write
}

// write is an unsynced change: bytes at an offset, or a new length when data is nil.
type write struct {
	at   int64
	data []byte
}

// NewDisk makes an empty disk.
func NewDisk() *Disk { return &Disk{names: map[string]*file{}, durable: map[string]*file{}} }

// Lie makes the disk say that it has synced what it has not, as disks with a write cache and no battery do: no program can be safe on it, so
// that whoever looks for losses must find some.
func (d *Disk) Lie() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = true
}

// Load puts a file on the platter.
func (d *Disk) Load(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := &file{now: slices.Clone(data), platter: slices.Clone(data)}
	d.names[name], d.durable[name] = f, f
}

// Create makes a file, or gives the one that exists.
func (d *Disk) Create(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return syscall.EIO
	}
	if d.names[name] == nil {
		d.names[name] = &file{}
	}
	return nil
}

func (d *Disk) file(name string) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[name]
}

// List names the files.
func (d *Disk) List() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]string, 0, len(d.names))
	for n := range d.names {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (d *Disk) read(f *file, to []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return 0, syscall.EIO
	}
	if at >= int64(len(f.now)) {
		return 0, nil
	}
	return copy(to, f.now[at:]), nil
}

func (d *Disk) write(f *file, data []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return syscall.EIO
	}
	d.writes++
	w := write{at, slices.Clone(data)}
	f.now = w.apply(f.now)
	f.pending = append(f.pending, w)
	return nil
}

func (d *Disk) truncate(f *file, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return syscall.EIO
	}
	w := write{size, nil}
	f.now = w.apply(f.now)
	f.pending = append(f.pending, w)
	return nil
}

func (d *Disk) size(f *file) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(f.now))
}

// apply makes the change on some contents.
func (w write) apply(to []byte) []byte {
	end := w.at
	if w.data != nil {
		end += int64(len(w.data))
	}
	if int64(len(to)) < end {
		to = append(to, make([]byte, end-int64(len(to)))...)
	}
	if w.data == nil {
		return to[:w.at]
	}
	copy(to[w.at:], w.data)
	return to
}

// sync brings a file's contents onto the platter. Its name may still be missing there.
func (d *Disk) sync(f *file) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return syscall.EIO
	}
	d.syncs++
	if d.lies {
		return nil
	}
	for _, w := range f.pending {
		f.platter = w.apply(f.platter)
	}
	f.pending = nil
	return nil
}

// syncNames brings the folder's entries onto the platter.
func (d *Disk) syncNames() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return syscall.EIO
	}
	d.syncs++
	if d.lies {
		return nil
	}
	d.durable = map[string]*file{}
	for n, f := range d.names {
		d.durable[n] = f
	}
	return nil
}

func (d *Disk) unlink(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.cut:
		return syscall.EIO
	case d.names[name] == nil:
		return syscall.ENOENT
	}
	delete(d.names, name)
	return nil
}

func (d *Disk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.cut:
		return syscall.EIO
	case d.names[from] == nil:
		return syscall.ENOENT
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

// Counts tells how much was written and synced.
func (d *Disk) Counts() (writes, syncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes, d.syncs
}

// Cut takes the power away: from this instant every call fails, and Left is what is on the platter. With rnd, of the
// unsynced writes some sectors have arrived and some have not; without, none has.
func (d *Disk) Cut(rnd *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut {
		return
	}
	d.cut = true
	if rnd == nil {
		return
	}
	names := make([]string, 0, len(d.durable))
	for n := range d.durable {
		names = append(names, n)
	}
	slices.Sort(names) // the same seed, the same loss
	for _, n := range names {
		d.durable[n].arrive(rnd)
	}
}

// arrive lets some of the unsynced writes reach the platter, sector by sector and in any combination.
func (f *file) arrive(rnd *rand.Rand) {
	for _, w := range f.pending {
		if w.data == nil {
			if rnd.IntN(2) == 0 {
				f.platter = w.apply(f.platter)
			}
			continue
		}
		for from := 0; from < len(w.data); {
			to := min(len(w.data), from+sector-int((w.at+int64(from))%sector))
			if rnd.IntN(2) == 0 {
				f.platter = write{w.at + int64(from), w.data[from:to]}.apply(f.platter)
			}
			from = to
		}
	}
	f.pending = nil
}

// Left is what is on the platter, by name.
func (d *Disk) Left() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string][]byte{}
	for n, f := range d.durable {
		out[n] = slices.Clone(f.platter)
	}
	return out
}

// WriteTo puts what is left into a folder.
func (d *Disk) WriteTo(dir string) error {
	for name, data := range d.Left() {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
