package dev.tritium.playground;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tritium.api.ApiKeyTest;
import dev.tritium.testing.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** The page of a server that asks for API keys: it is open itself, its requests are not. */
@QuarkusTest
@TestProfile(ApiKeyTest.WithKeys.class)
class PlaygroundWithKeysTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TestHTTPResource("/")
  URI uri;

  private Browser browser;

  @BeforeEach
  void openThePage() {
    browser = Browser.start();
    Api.ready(uri);
    browser.driver().get(uri.toString());
  }

  @AfterEach
  void closeTheBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  @Test
  void aKeyIsAskedForInWordsAndThenAllWorks() {
    String refusal = new Api(uri).get("/v1/models").json().at("/error/message").textValue();
    Api.await("the refusal is shown", PATIENCE, () -> element("problem").isDisplayed());
    assertEquals(refusal, element("problem").getText());
    assertTrue(element("key").isDisplayed());
    element("key").sendKeys(ApiKeyTest.SECRET, Keys.TAB);
    Api.await("the models are listed", PATIENCE, () -> !element("model").getText().isEmpty());
    element("prompt").sendKeys(Keys.chord(Keys.CONTROL, Keys.ENTER));
    Api.await(
        "it answers",
        PATIENCE,
        () -> element("state").getDomProperty("textContent").contains("complete"));
    assertTrue(browser.driver().findElement(By.className("answer")).getText().length() > 10);
    assertTrue(browser.console().stream().allMatch(line -> line.contains("status of 401")));
  }

  private WebElement element(String id) {
    return browser.driver().findElement(By.id(id));
  }
}
