// Package web shows what a watch.Loop knows: a page for people, metrics for Prometheus, health checks, a stream of events, and a hook that a Git server
// calls after a push. It changes nothing; all that it can cause is a look.
//
//	GET  /                   the page: source, clusters, events
//	GET  /clusters/NAME      one cluster: its plan, health and applies
//	GET  /events             what happens, as server-sent events (text/event-stream); Last-Event-ID is understood
//	GET  /api/v1/state       all that is known, as JSON
//	GET  /metrics            for Prometheus
//	GET  /healthz, /readyz   200 or 503, with the reason
//	POST /hook               reads the source at once; needs the hook's secret
package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hactl/hactl/reconcile/watch"
)

// Options say who may see what.
type Options struct {
	// User and Password are asked for (basic authentication) where Password is not empty; not for /healthz, /readyz and /hook.
	User, Password string
	// HookSecret is shared with the Git server; without one there is no /hook.
	HookSecret string
	// Version of the program.
	Version string
	// Metrics are served beside those of the loop.
	Metrics []prometheus.Collector
}

//go:embed assets
var assets embed.FS

// limits of a request: nobody has reason to send more than a hook.
const (
	maxHeader   = 16 << 10
	readTimeout = 10 * time.Second
)

// Server gives the HTTP server for a loop, which only lacks its listener. Shutdown ends the streams, too.
func Server(loop *watch.Loop, o Options) *http.Server {
	s := &server{loop: loop, o: o, registry: prometheus.NewRegistry(), ended: make(chan struct{})}
	s.registry.MustRegister(newCollector(loop, o.Version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.registry.MustRegister(o.Metrics...)
	h := &http.Server{Handler: s.handler(), MaxHeaderBytes: maxHeader, ReadTimeout: readTimeout, IdleTimeout: 2 * time.Minute}
	h.RegisterOnShutdown(sync.OnceFunc(func() { close(s.ended) })) // it is called by each Shutdown
	return h
}

type server struct {
	loop     *watch.Loop
	o        Options
	registry *prometheus.Registry
	ended    chan struct{} // closed at shutdown
	hook     hookGate
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthy)
	mux.HandleFunc("GET /readyz", s.ready)
	if s.o.HookSecret != "" {
		mux.HandleFunc("POST /hook", s.hooked)
	}
	private := http.NewServeMux()
	private.HandleFunc("GET /{$}", s.page)
	private.HandleFunc("GET /clusters/{name}", s.cluster)
	private.HandleFunc("GET /events", s.events)
	private.HandleFunc("GET /api/v1/state", s.state)
	private.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	private.Handle("GET /assets/", http.FileServerFS(assets))
	mux.Handle("/", s.authenticated(private))
	return headers(mux)
}

// headers keep a browser from doing more with the page than showing it.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// authenticated asks for the password, if there is one.
func (s *server) authenticated(next http.Handler) http.Handler {
	if s.o.Password == "" {
		return next
	}
	user, password := sha256.Sum256([]byte(s.o.User)), sha256.Sum256([]byte(s.o.Password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		gotUser, gotPassword := sha256.Sum256([]byte(u)), sha256.Sum256([]byte(p))
		if subtle.ConstantTimeCompare(user[:], gotUser[:])&subtle.ConstantTimeCompare(password[:], gotPassword[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="hactl watch", charset="UTF-8"`)
			http.Error(w, "a user and a password are needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
