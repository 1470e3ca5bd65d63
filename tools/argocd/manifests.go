package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
)

// manifests asks the repo server what the application controller asks it: the manifests of an application. They are written as
// JSON documents, each after a line `---`. The repository is looked for where REPOSITORY says, not where the application does.
func manifests() *cobra.Command {
	return &cobra.Command{
		Use:  "manifests ADDRESS APPLICATION REPOSITORY VERSION",
		Args: cobra.ExactArgs(4),
		RunE: func(command *cobra.Command, words []string) error {
			address, file, repository, version := words[0], words[1], words[2], words[3]
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			var application v1alpha1.Application
			if err := yaml.UnmarshalStrict(text, &application); err != nil {
				return err
			}
			source := application.Spec.GetSource()
			source.RepoURL = repository
			clients := apiclient.NewRepoServerClientset(address, 60, apiclient.TLSConfiguration{DisableTLS: true})
			connection, client, err := clients.NewRepoServerClient()
			if err != nil {
				return err
			}
			defer connection.Close()
			answer, err := client.GenerateManifest(command.Context(), &apiclient.ManifestRequest{
				Repo:               &v1alpha1.Repository{Repo: repository},
				Revision:           source.TargetRevision,
				NoCache:            true,
				AppName:            application.Name,
				AppLabelKey:        "app.kubernetes.io/instance",
				TrackingMethod:     string(v1alpha1.TrackingMethodAnnotation),
				Namespace:          application.Spec.Destination.Namespace,
				ApplicationSource:  &source,
				KubeVersion:        version,
				ProjectName:        application.Spec.Project,
				ProjectSourceRepos: []string{"*"},
			})
			if err != nil {
				return err
			}
			for _, manifest := range answer.Manifests {
				fmt.Printf("---\n%s\n", manifest)
			}
			return nil
		},
	}
}
