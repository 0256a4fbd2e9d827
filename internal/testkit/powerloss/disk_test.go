package powerloss

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOnlySyncedBytesUnderSyncedNamesSurvive(t *testing.T) {
	t.Parallel()
	d := NewDisk()
	d.Load("old", []byte("kept"))
	require.NoError(t, d.Create("new"))
	f := d.file("new")
	require.NoError(t, d.write(f, []byte("abc"), 0))
	require.NoError(t, d.sync(f))
	require.NoError(t, d.write(d.file("old"), []byte("LOST"), 0))
	buf := make([]byte, 4)
	n, err := d.read(d.file("old"), buf, 0)
	require.NoError(t, err)
	require.Equal(t, "LOST", string(buf[:n]), "the program sees what it wrote")
	require.Equal(t, map[string][]byte{"old": []byte("kept")}, d.Left(), "the name of the new file was not synced")
	require.NoError(t, d.syncNames())
	require.NoError(t, d.write(f, []byte("def"), 3))
	require.NoError(t, d.unlink("old"))
	d.Cut(nil)
	require.Equal(t, map[string][]byte{"old": []byte("kept"), "new": []byte("abc")}, d.Left(), "neither the write nor the removal was synced")
	require.Error(t, d.write(f, []byte("x"), 0))
	require.Error(t, d.sync(f))
	require.Error(t, d.syncNames())
}

func TestARenameIsLostWithItsFolder(t *testing.T) {
	t.Parallel()
	d := NewDisk()
	d.Load("a", []byte("1"))
	require.NoError(t, d.Create("a.new"))
	f := d.file("a.new")
	require.NoError(t, d.write(f, []byte("2"), 0))
	require.NoError(t, d.sync(f))
	require.NoError(t, d.rename("a.new", "a"))
	require.Equal(t, map[string][]byte{"a": []byte("1")}, d.Left())
	require.NoError(t, d.syncNames())
	require.Equal(t, map[string][]byte{"a": []byte("2")}, d.Left())
}

// Whatever is written and synced, what is left is the contents at the last sync, changed by some of the writes since,
// a sector of each at a time; and without chance, exactly the contents at the last sync.
func TestWhatIsLeftIsTheLastSyncAndSomeOfWhatFollowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := NewDisk()
		d.Load("f", bytes.Repeat([]byte{0}, 3*sector))
		f := d.file("f")
		synced := bytes.Clone(f.now)
		possible := make([]map[byte]bool, 3*sector) // of each byte, since the last sync
		reset := func() {
			for i := range possible {
				possible[i] = map[byte]bool{synced[i]: true}
			}
		}
		reset()
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			if rapid.IntRange(0, 3).Draw(r, "sync") == 0 {
				require.NoError(r, d.sync(f))
				synced = bytes.Clone(f.now)
				reset()
				continue
			}
			at := rapid.IntRange(0, 3*sector-1).Draw(r, "at")
			data := bytes.Repeat([]byte{byte(rapid.IntRange(1, 255).Draw(r, "value"))}, rapid.IntRange(1, 3*sector-at).Draw(r, "length"))
			require.NoError(r, d.write(f, data, int64(at)))
			for i, b := range data {
				possible[at+i][b] = true
			}
		}
		require.Equal(r, synced, d.Left()["f"])
		d.Cut(rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1)))
		for i, b := range d.Left()["f"] {
			if !possible[i][b] {
				r.Fatalf("byte %d is %d, which nobody wrote", i, b)
			}
		}
	})
}
