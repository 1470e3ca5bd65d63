// Command argocd has the parts of Argo CD that an application with a config management plugin goes through, for the tests, and a
// client for them:
//
//	argocd argocd-cmp-server|argocd-repo-server [FLAG]...
//	argocd manifests ADDRESS APPLICATION REPOSITORY VERSION
//	argocd parameters ADDRESS APPLICATION REPOSITORY
//
// A link of one of the first two names is that part, as with Argo CD's own program. `go install` refuses Argo CD because of its
// replace directives, and its own program has every part in it.
package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	cmpserver "github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	root := &cobra.Command{Use: "argocd", SilenceUsage: true}
	root.AddCommand(cmpserver.NewCommand(), reposerver.NewCommand(), manifests(), parameters())
	if name := filepath.Base(os.Args[0]); name != root.Use {
		root.SetArgs(append([]string{name}, os.Args[1:]...))
	}
	if root.Execute() != nil {
		os.Exit(1)
	}
}
