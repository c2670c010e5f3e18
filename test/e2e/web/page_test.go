// Package web shows the page of hactl watch to a real browser.
package web

import (
	"bytes"
	"cmp"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
	"github.com/hactl/hactl/reconcile/watch/web"
)

// replicas is what the layer of DRBD tells of a volume whose copy on n2 is being made.
func replicas(string) []reconcile.Health {
	volume := func(disk string) map[int]drbd.Volume {
		return map[int]drbd.Volume{0: {Minor: 1, Disk: disk, KiB: 4 << 20}}
	}
	return drbd.New("default").Status(drbd.State{Nodes: []drbd.NodeState{
		{Name: "n1", Live: map[string]*drbd.Live{"data": {Role: "Primary", Volumes: volume("UpToDate"), Peers: []drbd.Peer{
			{Name: "n2", Connection: "Connected", Role: "Secondary", Volumes: map[int]drbd.PeerVolume{0: {Replication: "SyncSource", Disk: "Inconsistent", OutOfSync: 1 << 20}}}}}}},
		{Name: "n2", Live: map[string]*drbd.Live{"data": {Role: "Secondary", Volumes: volume("Inconsistent"), Peers: []drbd.Peer{
			{Name: "n1", Connection: "Connected", Role: "Primary", Volumes: map[int]drbd.PeerVolume{0: {Replication: "SyncTarget", Disk: "UpToDate", OutOfSync: 1 << 20}}}}}}},
	}})
}

// serve starts a page for a loop with a cluster in each state.
func serve(t *testing.T) (*watchtest.World, string) {
	t.Helper()
	w := watchtest.Begin(t, true, func(w *watchtest.World) {
		w.Lag = 20 * time.Millisecond
		if _, err := exec.LookPath("crm_simulate"); err == nil {
			w.Tools = local.Tools{}
		}
		w.Health = func(cluster string) []reconcile.Health {
			if cluster == "orders" {
				return replicas(cluster)
			}
			return nil
		}
	})
	t.Cleanup(w.Stop)
	server := web.Server(w.Loop, web.Options{Version: "test"})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	says := func(id, subject, orders string, policy string) {
		w.Finds(source.Revision{ID: id, Name: "main@" + id, Author: "Ada Lovelace", Subject: subject, At: time.Now()},
			"orders/c.yaml", watchtest.Cluster("orders", orders)+policy, "shop/c.yaml", watchtest.Cluster("shop", "one")+watchtest.Anything,
			"billing/c.yaml", watchtest.Cluster("billing", "one")+watchtest.Anything, "archive/c.yaml", watchtest.Cluster("archive", "one")+watchtest.Anything)
	}
	w.Refuse("archive", errors.New("no machine can be reached: n1: dial tcp 10.77.0.1:22: connect: no route to host"))
	says("4be1a90", "all clusters", "one", watchtest.Anything)
	for _, name := range []string{"orders", "shop", "billing"} {
		w.Phase(name, watch.InSync)
	}
	says("9c0f2d7", "orders: another parameter for app", "two", watchtest.Reloads)
	w.Phase("orders", watch.Pending)
	w.Phase("archive", watch.Failing)
	return w, "http://" + l.Addr().String()
}

func TestPage(t *testing.T) {
	b := open(t)
	w, url := serve(t)
	axe := axe(t)
	b.size(1200, 800)
	b.scheme("light")
	b.show(url + "/")

	// The page shows all clusters, what somebody should look at first.
	var names []string
	b.eval("[...document.querySelectorAll('tbody th a')].map(a => a.innerText)", &names)
	if want := []string{"archive", "orders", "billing", "shop"}; !slices.Equal(names, want) {
		t.Errorf("the clusters are %v, not %v", names, want)
	}
	if text := b.text("main"); !strings.Contains(text, "no route to host") || !strings.Contains(text, "Ada Lovelace") || !strings.Contains(text, "1 failing") {
		t.Errorf("the page:\n%s", text)
	}
	var foreign []string
	b.eval("performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))", &foreign)
	if len(foreign) > 0 {
		t.Errorf("the page loads %v", foreign)
	}
	b.accessible(axe, "the page, light")
	picture(t, "watch-page.png", b.screenshot(1200))
	b.scheme("dark")
	if dark := b.background(); dark != "rgb(20, 23, 26)" {
		t.Errorf("the background of the dark page is %s", dark)
	}
	b.accessible(axe, "the page, dark")

	// What changes is put in place, without loading the page again.
	b.eval("window.mark = 1", nil)
	b.until("the stream is open", "performance.getEntriesByType('resource').some(r => r.name.endsWith('/'))")
	w.Refuse("archive", nil)
	w.Loop.Poke("archive")
	b.until("archive is being made", "[...document.querySelectorAll('tbody tr')].some(r => r.innerText.includes('archive') && r.innerText.includes('applying'))")
	var mark int
	if b.eval("window.mark || 0", &mark); mark != 1 {
		t.Error("the page was loaded again")
	}

	// A cluster: the plan, and what is where.
	b.scheme("light")
	b.show(url + "/clusters/orders")
	text := b.text("main")
	for _, want := range []string{"one → two", "Primary UpToDate", "Secondary Inconsistent", "app", "hactl approve"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown of orders:\n%s", want, text)
		}
	}
	b.accessible(axe, "the cluster, light")
	picture(t, "watch-cluster.png", b.screenshot(1200))
	b.scheme("dark")
	b.accessible(axe, "the cluster, dark")
	b.scheme("light")
	b.size(360, 640) // a telephone: what is too wide scrolls by itself
	var wide int
	if b.eval("document.documentElement.scrollWidth", &wide); wide > 360 {
		t.Errorf("the page is %d wide on a telephone", wide)
	}

	// Without scripts.
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.show(url + "/clusters/shop")
	if text := b.text("main"); !strings.Contains(text, "in-sync") || !strings.Contains(text, "started") {
		t.Errorf("without scripts:\n%s", text)
	}
}

func (b *browser) background() (s string) {
	b.t.Helper()
	b.eval("getComputedStyle(document.body).backgroundColor", &s)
	return s
}

// picture writes a screenshot below docs if it is asked for (HACTL_SCREENSHOTS=1), with the 256 colours that are most of it.
func picture(t *testing.T, name string, data []byte) {
	t.Helper()
	src, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if src.Bounds().Dx() != 1200 || src.Bounds().Dy() < 400 {
		t.Errorf("%s is %v", name, src.Bounds())
	}
	if os.Getenv("HACTL_SCREENSHOTS") == "" {
		return
	}
	n := map[color.RGBA]int{}
	for y := range src.Bounds().Dy() {
		for x := range src.Bounds().Dx() {
			n[color.RGBAModel.Convert(src.At(x, y)).(color.RGBA)]++
		}
	}
	colours := make([]color.RGBA, 0, len(n))
	for c := range n {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := color.Palette{}
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	dst := image.NewPaletted(src.Bounds(), palette)
	draw.Draw(dst, dst.Bounds(), src, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, dst); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("../../../docs", name), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
