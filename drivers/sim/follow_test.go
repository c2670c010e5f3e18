package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
)

// A change of the CIB is heard within two seconds, on whichever member; one of the status is not; when the followed member goes away another one tells
// what was changed meanwhile, and when all are away that is an error.
func TestFollow(t *testing.T) {
	err := bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err != nil {
			return err
		}
		heard := make(chan string, 10)
		ended := make(chan error, 1)
		go func() {
			ended <- (run{want: load(fatal{}, pair+dummies)}).engine(c.Client()).Follow(ctx, func(what string) { heard <- what })
		}()
		expect := func(when string, want bool) {
			t.Helper()
			time.Sleep(2 * time.Second)
			select {
			case what := <-heard:
				if !want || !strings.Contains(what, "the CIB changed") {
					t.Errorf("%s: heard %q", when, what)
				}
			default:
				if want {
					t.Errorf("%s: heard nothing", when)
				}
			}
		}
		edit := func() {
			c.SetCIB(func(configuration *etree.Element) { configuration.CreateAttr("edited", time.Now().String()) })
		}
		expect("at first", false)
		edit()
		expect("an edit", true)
		time.Sleep(20 * time.Minute) // beyond the stream's limit
		expect("a new stream", false)
		c.Node("n1").SetDown(true)
		edit()
		expect("an edit while the first member is away", true)
		c.Node("n2").SetDown(true)
		time.Sleep(5 * time.Second)
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "no member tells of changes") || errors.Is(err, context.Canceled) {
				t.Errorf("all members away: %v", err)
			}
		default:
			t.Error("all members are away, and nobody noticed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
